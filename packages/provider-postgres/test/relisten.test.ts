import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { connectionSettings } from "../src/connection-settings.ts";
import { LockSession } from "../src/sessions/lock-session.ts";
import { WakeUp } from "../src/wake-up.ts";
import { serverUrl } from "./database.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Lets what is asked through, unless `fault` says that the connection is cut there without a word, or goes silent. */
async function faultyServer(fault: (asked: string) => "cut" | "silent" | undefined) {
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
      const what = fault(bytes.toString("latin1"));
      if (what === "cut") client.destroy();
      else if (what === undefined) backend.write(bytes);
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

function wakeUpOf(url: string, wakeAll: () => void): WakeUp {
  return new WakeUp({
    settings: connectionSettings({ connectionString: url }),
    callTimeout: 500,
    events: { granted() {}, wake() {}, wakeAll, lost() {}, lostAll() {} },
    logger: silent,
    tell() {},
  });
}

test("a connection that is cut as it begins to listen is replaced by one, which closes", async () => {
  let cutting = 0;
  const server = await faultyServer((asked) =>
    asked.includes("LISTEN") && cutting-- > 0 ? "cut" : undefined,
  );
  let back = 0;
  const wakeUp = wakeUpOf(server.url, () => void (back += 1));
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

test.each(["pg_backend_pid", "set_config", "LISTEN"])(
  "a listening connection that goes silent at its %s is given up",
  async (statement) => {
    const server = await faultyServer((asked) => (asked.includes(statement) ? "silent" : undefined));
    await expect(wakeUpOf(server.url, () => {}).start()).rejects.toThrow("timeout");
    await expect.poll(() => server.open.size).toBe(0);
    server.close();
  },
);

test.each(["set_config", "pg_advisory_lock"])(
  "a lock session that goes silent at its %s is given up",
  async (statement) => {
    const server = await faultyServer((asked) => (asked.includes(statement) ? "silent" : undefined));
    const session = new LockSession({
      settings: connectionSettings({ connectionString: server.url }),
      namespace: "test",
      callTimeout: 500,
      lost() {},
    });
    await expect(session.start()).rejects.toThrow("timeout");
    await expect.poll(() => server.open.size).toBe(0);
    server.close();
  },
);
