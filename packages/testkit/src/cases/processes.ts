import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { assertHistory } from "../history/check.ts";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { within } from "../world/bounded.ts";

const shared = { scope: "shared" } as const;

export const processCases: readonly ConformanceCase[] = area("processes", [
  {
    name: "a lock excludes between processes, and tokens increase from one to the next",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const processes = await Promise.all([1, 2, 3].map(async () => await world.start()));
      const calls = Array.from({ length: 30 }, (_, index) =>
        processes[index % 3]!.execute(index % 4 === 0 ? ["k", "l"] : "k", { timeout: "20s" }, 5),
      );
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      const history = processes.flatMap((process) => process.history);
      assert.equal(history.filter((event) => event.kind === "granted").length, 30);
      assertHistory(history);
    },
  },
  {
    name: "readers and writers of several processes never hold a key together that they may not share",
    requires: { ...shared, limits: true },
    needs: "processes",
    run: async (world) => {
      const processes = await Promise.all([1, 2, 3].map(async () => await world.start()));
      const limits = [1, Infinity, Infinity, 3, 3, 3, Infinity];
      const calls = Array.from({ length: 42 }, (_, index) =>
        processes[index % 3]!.execute("k", { timeout: "20s", limit: limits[index % limits.length] }, 5),
      );
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      assertHistory(processes.flatMap((process) => process.history));
    },
  },
  {
    name: "of 200 read-modify-write increments over 4 processes none is lost",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const folder = await mkdtemp(join(tmpdir(), "lock-testkit-"));
      try {
        const file = join(folder, "counter");
        await writeFile(file, "0");
        const processes = await Promise.all([1, 2, 3, 4].map(async () => await world.start()));
        await Promise.all(processes.map(async (process) => await process.increment("k", file, 50, 50)));
        assert.equal(await readFile(file, "utf8"), "200");
        assertHistory(processes.flatMap((process) => process.history));
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  },
  {
    name: "64 waiters of several processes on one key all have their turn",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const processes = await Promise.all([1, 2].map(async () => await world.start()));
      const holder = await world.hold("k");
      const calls = Array.from({ length: 64 }, (_, index) =>
        processes[index % 2]!.execute("k", { timeout: "25s" }, 1),
      );
      await world.untilWaiting("k", 64);
      await holder.free();
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      assertHistory(processes.flatMap((process) => process.history));
    },
  },
  {
    name: "20 callers of two processes that name their keys in opposite orders all get on",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const processes = await Promise.all([1, 2].map(async () => await world.start()));
      const calls = Array.from({ length: 20 }, (_, index) =>
        processes[index % 2]!.execute(index % 2 === 0 ? ["a", "b"] : ["b", "a"], { timeout: "20s" }, 3),
      );
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      assertHistory(processes.flatMap((process) => process.history));
    },
  },
  {
    name: "first come, first served holds between processes too",
    requires: { ...shared, fifo: true },
    needs: "processes",
    run: async (world) => {
      const processes = await Promise.all([1, 2, 3].map(async () => await world.start()));
      const holder = await world.hold("k");
      const calls = [];
      for (let turn = 0; turn < 9; turn++) {
        calls.push(processes[turn % 3]!.execute("k", { timeout: "15s" }, 0));
        await world.untilWaiting("k", turn + 1);
      }
      await holder.free();
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      const turns = processes
        .flatMap((process) => process.history)
        .filter((event) => event.kind === "granted")
        .sort((one, other) => Number(one.at - other.at))
        .map((event) => event.process);
      const [one, two, three] = processes.map((process) => process.name);
      assert.deepEqual(turns, [one, two, three, one, two, three, one, two, three]);
    },
  },
  {
    name: "what one process acquired another can release, and nobody else gets until then",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const [one, two] = await Promise.all([world.start(), world.start()]);
      await one.acquire(["a", "b"], { ownerId: "u" });
      await assert.rejects(two.acquire("a", { ownerId: "v" }), { code: "LOCK_NOT_ACQUIRED" });
      await one.kill();
      await assert.rejects(two.acquire("b", { ownerId: "v" }), { code: "LOCK_NOT_ACQUIRED" });
      assert.equal(await two.release(["b", "a"], { ownerId: "u" }), true);
      await two.acquire("a", { ownerId: "v" });
    },
  },
  {
    name: "expire goes by the backend's clock: a process whose own is an hour wrong neither loses a lock nor takes one early",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const hour = 3_600_000;
      const [early, late] = await Promise.all([
        world.start({ clockShift: -hour }),
        world.start({ clockShift: hour }),
      ]);
      const held = await early.acquire("a", { expire: "30s", ownerId: "u" });
      assert.ok(held.remaining > 25_000 && held.remaining <= 30_000, `remaining() is ${held.remaining}`);
      await assert.rejects(late.acquire("a"), { code: "LOCK_NOT_ACQUIRED" });
      await late.acquire("b", { expire: "30s" });
      await assert.rejects(early.acquire("b"), { code: "LOCK_NOT_ACQUIRED" });
      await early.acquire("c", { expire: "300ms" });
      await pause(500);
      await late.acquire("c");
    },
  },
  {
    name: "fencing tokens depend on no process's wall clock",
    requires: { ...shared, fencing: true },
    needs: "processes",
    run: async (world) => {
      const hour = 3_600_000;
      const [late, early] = await Promise.all([
        world.start({ clockShift: hour }),
        world.start({ clockShift: -hour }),
      ]);
      for (const process of [late, early, late, early]) await process.execute("k", {}, 0).outcome;
      const history = [...late.history, ...early.history];
      assert.equal(history.filter((event) => event.kind === "released").length, 4);
      assertHistory(history);
    },
  },
  {
    name: "a process ends by itself once its service is closed: no timer and no connection is left",
    requires: shared,
    needs: "processes",
    run: async (world) => {
      const process = await world.start();
      await process.execute("a", { expire: "900ms" }, 1_200).outcome;
      await process.acquire("b", { expire: "40d", ownerId: "u" });
      await world.locking.acquire("c");
      const waited = await process.execute("c", { timeout: "300ms" }, 0).outcome;
      assert.equal(waited.ok, false);
      await process.close();
      await within(
        2_000,
        "what it acquired to be there still",
        world.locking.release("b", { ownerId: "u" }).then(assert.ok),
      );
    },
  },
]);
