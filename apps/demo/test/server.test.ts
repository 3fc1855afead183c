import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startServer, type DemoServer } from "../src/server/listen.ts";
import type { Setup } from "../src/server/view.ts";
import { redisUrl } from "./servers.ts";

const plan = { stock: 5, buyers: 8, checkouts: 2, charge: 200, locks: true, provider: "in-memory" };
let server: DemoServer;

beforeAll(async () => {
  server = await startServer({ PORT: "0", LOCKING_REDIS_URL: redisUrl });
});
afterAll(() => server.close());

function send(method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(server.address + path, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
}

describe("the server", () => {
  test("serves the page and everything that it refers to", async () => {
    const html = await (await fetch(server.address)).text();
    const paths = [...html.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map((match) => match[1] ?? "");
    expect(paths.length).toBeGreaterThan(3);
    for (const path of paths) {
      expect(path).toMatch(/\.(css|js)$/);
      expect((await fetch(server.address + path)).status).toBe(200);
    }
  });

  test("offers the providers that are set up", async () => {
    const { providers } = (await (await fetch(`${server.address}/api/setup`)).json()) as Setup;
    expect(providers.map(({ id, available }) => [id, available])).toEqual([
      ["in-memory", true],
      ["redis", true],
      ["postgres", false],
    ]);
  });

  test("answers 400 to a plan that makes no sense, naming the field", async () => {
    const response = await send("POST", "/api/sales", { ...plan, stock: -1 });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      field: "stock",
      message: "Stock must be a whole number from 1 to 500.",
    });
    const headers = { "content-type": "application/json" };
    const nonsense = await fetch(`${server.address}/api/sales`, { method: "POST", headers, body: "{" });
    expect(nonsense.status).toBe(400);
  });

  test("takes no orders from other sites", async () => {
    const headers = { origin: "http://example.com", "content-type": "text/plain" };
    const response = await fetch(`${server.address}/api/sales`, {
      method: "POST",
      headers,
      body: JSON.stringify(plan),
    });
    expect(response.status).toBe(403);
  });

  test("runs one sale at a time", async () => {
    expect((await send("POST", "/api/sales", plan)).status).toBe(202);
    expect((await send("POST", "/api/sales", plan)).status).toBe(409);
    expect((await send("DELETE", "/api/sales/current")).status).toBe(204);
    expect((await send("POST", "/api/sales/current/kill")).status).toBe(409);
    expect((await send("POST", "/api/sales", plan)).status).toBe(202);
    await send("DELETE", "/api/sales/current");
  });

  test("takes the next port when its own is taken, and refuses one that is none", async () => {
    const taken = new URL(server.address).port;
    const other = await startServer({ PORT: taken });
    expect(Number(new URL(other.address).port)).toBeGreaterThan(Number(taken));
    await other.close();
    await expect(startServer({ PORT: "http" })).rejects.toThrow(
      'PORT must be a number from 0 to 65535, not "http".',
    );
  });
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle of a sale ends all its processes",
  async (signal) => {
    const main = spawn(process.execPath, [fileURLToPath(new URL("../src/main.ts", import.meta.url))], {
      env: { ...process.env, PORT: "0", LOCKING_REDIS_URL: redisUrl },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void main.kill("SIGKILL"));
    const exited = once(main, "exit");
    const address = await heard(main.stdout.iterator({ destroyOnReturn: false }), /http:\S+/);
    const body = JSON.stringify({ ...plan, checkouts: 3, buyers: 100, provider: "redis", mishap: "freeze" });
    const headers = { "content-type": "application/json" };
    await fetch(`${address}/api/sales`, { method: "POST", headers, body });
    const live = await fetch(`${address}/api/live`);
    if (!live.body) throw new Error("There is no stream of events.");
    await heard(live.body, /"frozen"/);
    main.kill(signal);
    expect(await exited).toEqual([0, null]);
    // Its children share the pipe of its output, which ends with the last of them.
    if (!main.stdout.closed) await once(main.stdout.resume(), "close");
  },
);

/** Reads until the pattern occurs. */
async function heard(stream: AsyncIterable<unknown>, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const match = pattern.exec(text);
    if (match) return match[0];
  }
  throw new Error(`It ended before ${pattern}: ${text}`);
}
