import { startProxy } from "@lock/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionSettings } from "../src/connection-settings.ts";
import { halves } from "../src/operations/advisory.ts";
import { LockSession } from "../src/sessions/lock-session.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";

const namespace = newId();
const slowly = { timeout: 10_000 };
let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test("a lock session keeps itself, whatever is set for others, and is ended by the server when its host is gone", async () => {
  const url = new URL(database.url);
  const unlike = ["idle_session_timeout=900", "synchronous_commit=off", "lock_timeout=900"];
  const options = [url.searchParams.get("options"), ...unlike.map((each) => `-c ${each}`)];
  url.searchParams.set("options", options.join(" "));
  const session = new LockSession({
    settings: connectionSettings({ connectionString: url.href }),
    namespace,
    callTimeout: 5_000,
    lost() {},
  });
  await session.start();
  const setting = async (name: string): Promise<unknown> =>
    (await session.query({ name: "", text: `SELECT current_setting('${name}')`, values: [] }))[0]?.[0];
  expect(await setting("idle_session_timeout")).toBe("0");
  expect(await setting("lock_timeout")).toBe("0");
  // A token that the disk has not seen could be given twice.
  expect(await setting("synchronous_commit")).toBe("on");
  const [idle, interval, count] = [
    await setting("tcp_keepalives_idle"),
    await setting("tcp_keepalives_interval"),
    await setting("tcp_keepalives_count"),
  ].map(Number) as [number, number, number];
  expect(Math.min(idle, interval, count)).toBeGreaterThan(0);
  expect(idle + interval * count).toBeLessThan(30);
  expect(await setting("tcp_user_timeout")).toBe("25000");
  const [high, low] = halves(session.id);
  const held = (): Promise<unknown> =>
    database.query(`SELECT pg_try_advisory_xact_lock(${high}, ${low}) AS free`);
  expect(await held()).toEqual([{ free: false }]);
  await session.close();
  await expect.poll(held, slowly).toEqual([{ free: true }]);
});

test("a silent session is given up before the server would end it, however long a call may take", async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  let losses = 0;
  const session = new LockSession({
    settings: connectionSettings({ connectionString: target.href }),
    namespace,
    callTimeout: 60_000,
    lost: () => (losses += 1),
  });
  await session.start();
  proxy.stall();
  session.ask();
  session.check(performance.now() + 19_000, false, 2_000);
  expect(losses).toBe(0);
  // What it is asked first comes 2 s after the last answer, and is looked at each half second; the server waits for 25 s.
  session.check(performance.now() + 21_000, false, 2_000);
  expect(losses).toBe(1);
  proxy.resume();
});

test("a process that stood still gives the server its time anew, since the answer may be there unread", async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  let losses = 0;
  const session = new LockSession({
    settings: connectionSettings({ connectionString: target.href }),
    namespace,
    callTimeout: 5_000,
    lost: () => (losses += 1),
  });
  await session.start();
  proxy.stall();
  session.ask();
  // It was stopped for a minute, in which a question was under way.
  const continued = performance.now() + 60_000;
  session.check(continued, true, 2_000);
  session.check(continued + 4_900, false, 2_000);
  expect(losses).toBe(0);
  session.check(continued + 5_100, false, 2_000);
  expect(losses).toBe(1);
  proxy.resume();
});
