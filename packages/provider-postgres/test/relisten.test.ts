import { createServer, connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { connectionSettings } from "../src/connection-settings.ts";
import { WakeUp } from "../src/wake-up.ts";
import { serverUrl } from "./database.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Lets a connection through until `cuts` says that what it is asked is where it is cut, without a word. */
async function cuttingServer(cuts: (asked: string) => boolean) {
  const target = new URL(serverUrl);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const backend = connect({ host: target.hostname, port: Number(target.port) });
    open.add(client);
    client.on("close", () => {
      open.delete(client);
      backend.destroy();
    });
    client.on("error", () => {});
    backend.on("error", () => {});
    backend.on("close", () => client.destroy());
    client.on("data", (bytes) => {
      if (cuts(bytes.toString("latin1"))) client.destroy();
      else backend.write(bytes);
    });
    backend.on("data", (bytes) => client.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    url: url.href,
    open,
    cut: () => {
      for (const client of open) client.destroy();
    },
    close: () => server.close(),
  };
}

test("a connection that is cut as it begins to listen is replaced by one, which closes", async () => {
  let cutting = 0;
  const server = await cuttingServer((asked) => asked.includes("LISTEN") && cutting-- > 0);
  let back = 0;
  const wakeUp = new WakeUp({
    settings: connectionSettings({ connectionString: server.url }),
    callTimeout: 5_000,
    events: { granted() {}, wake() {}, wakeAll: () => void (back += 1), lost() {}, lostAll() {} },
    logger: silent,
    tell() {},
  });
  await wakeUp.start();
  cutting = 1;
  server.cut();
  await expect.poll(() => back, { timeout: 5_000 }).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect([back, server.open.size]).toEqual([1, 1]);
  await wakeUp.close();
  await expect.poll(() => server.open.size, { timeout: 2_000 }).toBe(0);
  server.close();
});
