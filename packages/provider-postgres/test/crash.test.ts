import { createLocking } from "@lock/core";
import pg from "pg";
import { expect, test } from "vitest";
import { postgresProvider } from "../src/provider.ts";
import { ownServer, type OwnServer } from "./own-server.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function crash(server: OwnServer): Promise<void> {
  const client = new pg.Client(server.url);
  const ended = new Promise<void>((resolve) => client.once("end", resolve));
  client.on("error", () => {});
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await server.crash(rows[0]?.pid as number);
  await ended;
}

test("a server that crashes loses no grant: jobs go on, nobody else gets in, tokens go on increasing", async () => {
  const server = await ownServer();
  const open = () =>
    createLocking({
      providers: [postgresProvider({ connectionString: server.url, mode: "rows" })],
      logger: silent,
    });
  const [one, other] = [await open(), await open()];
  const order: string[] = [];
  let last = 0n;
  const tokens = (token: bigint | null): void => {
    expect(token as bigint).toBeGreaterThan(last);
    last = token as bigint;
  };
  let waiting: Promise<void> | undefined;
  await one.acquire("kept", { ownerId: "o", expire: 600 });
  await one.execute(
    "k",
    async (lock) => {
      tokens(lock.fencingToken);
      waiting = other.execute(
        "k",
        async (next) => {
          order.push("waiter");
          tokens(next.fencingToken);
        },
        { timeout: 30 },
      );
      await expect.poll(async () => (await one.inspect("k"))[0]?.waiting).toBe(1);
      await crash(server);
      await expect
        .poll(() => other.inspect("k").catch(() => []), { timeout: 10_000 })
        .toMatchObject([{ holders: [{}] }]);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      lock.assertHeld();
      order.push("holder");
    },
    { expire: 6 },
  );
  await waiting;
  expect(order).toEqual(["holder", "waiter"]);
  expect(await other.release("kept", { ownerId: "o" })).toBe(true);
  await other.execute("k", async (lock) => tokens(lock.fencingToken));
  await one.close();
  await other.close();
}, 60_000);
