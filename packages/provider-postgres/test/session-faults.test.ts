import { createLocking, type Lock, type Locking } from "@lock/core";
import { startProxy } from "@lock/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { postgresProvider, type PostgresProviderOptions } from "../src/provider.ts";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { newId } from "./instance.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

let database: TestDatabase;
let namespace: string;
const services: Locking[] = [];
const slowly = { timeout: 10_000 };

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => {
  namespace = newId();
  return async () => {
    await Promise.all(services.splice(0).map((service) => service.close({ drain: "0ms" })));
  };
});

/** A service whose connections bear `name`. */
async function connected(name: string, options: Partial<PostgresProviderOptions> = {}): Promise<Locking> {
  const url = new URL(database.url);
  url.searchParams.set("application_name", `${name}-${namespace}`);
  const provider = postgresProvider({ connectionString: url.href, namespace, mode: "session", ...options });
  const locking = await createLocking({ providers: [provider], logger: silent });
  services.push(locking);
  return locking;
}

/** Cuts connections of a service: those that locks live with, or all others. */
async function cut(name: string, which: "sessions" | "others" | "all"): Promise<number> {
  const holds = `EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.mode = 'ShareLock')`;
  const wanted = { sessions: holds, others: `NOT ${holds}`, all: "true" }[which];
  const rows = await database.query(
    `SELECT pg_terminate_backend(a.pid, 2000) FROM pg_stat_activity a WHERE a.application_name = $1 AND ${wanted}`,
    [`${name}-${namespace}`],
  );
  return rows.length;
}

/** Starts a job that holds `key` until it is freed. */
async function hold(
  locking: Locking,
  key: string,
): Promise<{ lock: Lock; free: () => void; done: Promise<unknown> }> {
  let free = (): void => {};
  const freed = new Promise<void>((resolve) => (free = resolve));
  return new Promise((resolve, reject) => {
    const done = locking.execute(key, async (lock) => {
      resolve({ lock, free, done });
      await freed;
    });
    done.catch(reject);
  });
}

const aborted = (lock: Lock): Promise<unknown> =>
  new Promise((resolve) => {
    if (lock.signal.aborted) resolve(lock.signal.reason);
    else lock.signal.addEventListener("abort", () => resolve(lock.signal.reason));
  });

test("the session that a lock lives with is cut: the job is told at once, and the next gets in", async () => {
  const [one, other] = [await connected("one"), await connected("other")];
  const bare = await hold(one, "bare");
  const row = await hold(one, "contended");
  const next = other.execute("contended", () => "in", { timeout: 10 });
  await expect.poll(async () => (await other.inspect("contended"))[0]?.waiting, slowly).toBe(1);
  expect(await cut("one", "sessions")).toBe(2);
  expect(await aborted(bare.lock)).toMatchObject({ code: "LOCK_LOST" });
  expect(await aborted(row.lock)).toMatchObject({ code: "LOCK_LOST" });
  expect(await next).toBe("in");
  for (const job of [bare, row]) {
    job.free();
    await expect(job.done).rejects.toMatchObject({ code: "LOCK_LOST" });
  }
  await expect(one.execute(["bare", "contended"], () => "again", { timeout: 5 })).resolves.toBe("again");
});

test("connections that no lock lives with are cut: nothing is lost", async () => {
  const [one, other] = [await connected("one"), await connected("other")];
  const bare = await hold(one, "bare");
  expect(await cut("one", "others")).toBe(3);
  const waiting = other.execute("bare", () => "in", { timeout: 20 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  bare.lock.assertHeld();
  bare.free();
  await bare.done;
  expect(await waiting).toBe("in");
});

test("the sessions of who waits are cut: it keeps its turn", async () => {
  const [one, other] = [await connected("one"), await connected("other")];
  const holder = await hold(one, "k");
  const order: string[] = [];
  const first = other.execute("k", () => void order.push("first"), { timeout: 20 });
  await expect.poll(async () => (await one.inspect("k"))[0]?.waiting, slowly).toBe(1);
  const second = one.execute("k", () => void order.push("second"), { timeout: 20 });
  await expect.poll(async () => (await one.inspect("k"))[0]?.waiting, slowly).toBe(2);
  await cut("other", "sessions");
  await new Promise((resolve) => setTimeout(resolve, 500));
  holder.free();
  await Promise.all([holder.done, first, second]);
  expect(order).toEqual(["first", "second"]);
});

test("connections are cut again and again under contention: nobody is inside with another who is not told, and nothing stays behind", async () => {
  const names = ["one", "other"];
  const all = [await connected("one"), await connected("other")];
  const inside = new Map<string, Set<Lock>>(["k0", "k1", "k2"].map((key) => [key, new Set()]));
  const overtaken: Lock[] = [];
  const lost = new Set<Lock>();
  const failures = new Set<string>();
  let runs = 0;
  const until = performance.now() + 5_000;
  const cutting = (async () => {
    for (let turn = 0; performance.now() < until; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await cut(names[turn % 2] as string, turn % 3 === 0 ? "others" : turn % 3 === 1 ? "sessions" : "all");
    }
  })();
  await Promise.all(
    Array.from({ length: 20 }, async (_, caller) => {
      const locking = all[caller % 2] as Locking;
      while (performance.now() < until) {
        const key = `k${Math.floor(Math.random() * 3)}`;
        const ofKey = inside.get(key) as Set<Lock>;
        let held: Lock | undefined;
        const job = async (lock: Lock): Promise<void> => {
          held = lock;
          overtaken.push(...ofKey);
          ofKey.add(lock);
          await new Promise((resolve) => setTimeout(resolve, 10));
          ofKey.delete(lock);
          runs += 1;
        };
        await locking.execute(key, job, { timeout: 10 }).catch((error: { code: string }) => {
          failures.add(error.code);
          if (held !== undefined && error.code === "LOCK_LOST") lost.add(held);
        });
      }
    }),
  );
  await cutting;
  // Who is inside when another comes in had its connection cut, and is told: its job is no success.
  expect(overtaken.filter((lock) => !lost.has(lock))).toEqual([]);
  expect(lost.size).toBeGreaterThan(0);
  expect([...failures].filter((code) => code !== "LOCK_LOST" && code !== "LOCK_UNAVAILABLE")).toEqual([]);
  expect(runs).toBeGreaterThan(20);
  for (const key of inside.keys()) await (all[0] as Locking).execute(key, () => {}, { timeout: 15 });
  const rows =
    "SELECT key FROM locking WHERE namespace = $1 UNION ALL SELECT key FROM locking_queue WHERE namespace = $1";
  expect(await database.query(rows, [namespace])).toEqual([]);
  await Promise.all(all.map((each) => each.close()));
  const connections = names.map((name) => `${name}-${namespace}`);
  await expect
    .poll(
      () =>
        database.query("SELECT query FROM pg_stat_activity WHERE application_name = ANY ($1)", [connections]),
      slowly,
    )
    .toEqual([]);
}, 40_000);

test("a connection that is half open is found within the call time-out and what passes between two probes", async () => {
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  const cutOff = await connected("one", { connectionString: target.href, callTimeout: "1s" });
  const other = await connected("other");
  const job = await hold(cutOff, "k");
  const waiting = other.execute("k", () => "in", { timeout: 30 });
  proxy.stall();
  const stalledAt = performance.now();
  expect(await aborted(job.lock)).toMatchObject({ code: "LOCK_LOST" });
  expect(performance.now() - stalledAt).toBeLessThan(6_000);
  proxy.resume();
  // The server is told to end the session, as soon as it can be reached.
  expect(await waiting).toBe("in");
  job.free();
  await expect(job.done).rejects.toMatchObject({ code: "LOCK_LOST" });
}, 40_000);

test("releaseAll() ends what the sessions of all processes hold, from one without sessions too", async () => {
  const one = await connected("one");
  const rows = await connected("rows", { mode: "rows" });
  const job = await hold(one, "k");
  const elsewhere = await connected("elsewhere", { namespace: newId() });
  const untouched = await hold(elsewhere, "k");
  await rows.releaseAll();
  await rows.acquire("k", { ownerId: "o" });
  expect(await aborted(job.lock)).toMatchObject({ code: "LOCK_LOST" });
  untouched.lock.assertHeld();
  for (const each of [job, untouched]) each.free();
  await untouched.done;
  await expect(job.done).rejects.toMatchObject({ code: "LOCK_LOST" });
});

test("connections do not grow with locks or waiters, and none is left when it is closed", async () => {
  const one = await connected("one");
  const open = async (): Promise<unknown> =>
    (
      await database.query(
        "SELECT count(*)::integer AS open FROM pg_stat_activity WHERE application_name = $1",
        [`one-${namespace}`],
      )
    )[0]?.["open"];
  const jobs = await Promise.all(Array.from({ length: 700 }, (_, n) => hold(one, `k${n}`)));
  const waiters = Array.from({ length: 100 }, (_, n) => one.execute(`k${n}`, () => {}, { timeout: 30 }));
  await expect.poll(async () => (await one.inspect("k99"))[0]?.waiting, slowly).toBe(1);
  expect(await open()).toBe(5);
  for (const job of jobs) job.free();
  await Promise.all([...waiters, ...jobs.map(({ done }) => done)]);
  await one.close();
  await expect.poll(open, slowly).toBe(0);
}, 30_000);
