import type { Duration } from "@lock/core";
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { assertHistory } from "../history/check.ts";
import type { HistoryEvent } from "../history/event.ts";
import { notedClaims } from "../processes/noted-claims.ts";
import type { Random } from "../random.ts";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { within } from "../world/bounded.ts";
import type { World } from "../world/world.ts";

const keys = ["a", "b", "c", "d"];
const exclusive = [1];
const allLimits = [1, 1, 2, 3, Infinity];

/** What nobody thought of. The seed of the run repeats it. */
export const chanceCases: readonly ConformanceCase[] = area("chance", [
  {
    name: "80 claims of any kind, on keys in any order, some of them given up: all end, none overlaps another, nothing is left",
    rival: true,
    limit: 20_000,
    run: async (world) => await tryLuck(world, exclusive),
  },
  {
    name: "80 claims of any kind and any limit: nobody holds a key together with another that it may not share with",
    requires: { limits: true },
    rival: true,
    limit: 20_000,
    run: async (world) => await tryLuck(world, allLimits),
  },
  {
    name: "60 claims of three processes, on keys in any order: all have their turn, and none overlaps another",
    requires: { scope: "shared" },
    needs: "processes",
    run: async (world) => {
      const { random, manifest } = world;
      const processes = await Promise.all([1, 2, 3].map(async () => await world.start()));
      const calls = Array.from({ length: 60 }, () =>
        random
          .pick(processes)
          .execute(
            someKeys(random),
            { timeout: "25s", limit: random.pick(manifest.limits ? allLimits : exclusive) },
            random.below(10),
          ),
      );
      for (const { outcome } of calls) assert.deepEqual(await outcome, { ok: true, value: undefined });
      assertHistory(processes.flatMap((process) => process.history));
    },
  },
]);

async function tryLuck(world: World, limits: readonly number[]): Promise<void> {
  const { random, manifest } = world;
  const history: HistoryEvent[] = [];
  const parties = [world.locking, world.rival].map((service, index) =>
    notedClaims(service, manifest, `party ${index + 1}`, (report) => {
      if (report.report === "event") history.push(report.event);
    }),
  );
  const calls = Array.from({ length: 80 }, async (_, call) => {
    const party = random.pick(parties);
    const limit = random.pick(limits);
    const [start, work, patience] = [random.below(300), random.below(8), random.below(200)];
    const isGivenUp = random.below(4) === 0;
    const isAborted = random.below(2) === 0;
    const wanted = someKeys(random);
    const byHand = random.below(3) === 0;
    await pause(start);
    const signal = isGivenUp && isAborted ? AbortSignal.timeout(patience) : undefined;
    const timeout: Duration = isGivenUp && !isAborted ? `${patience}ms` : "15s";
    const args = { limit, timeout, signal, expire: "10s" } as const;
    const job = async (): Promise<void> => await pause(work);
    const ended = byHand
      ? party.acquire(call, wanted, { ...args, awaitQueue: true }, job)
      : party.execute(call, wanted, args, job);
    await (isGivenUp ? ended.catch(() => {}) : ended);
  });
  await Promise.all(calls);
  assertHistory(history);
  const free = world.locking.acquire(keys, { awaitQueue: true, timeout: "2s" });
  await (await within(3_000, "all keys to be free", free)).release();
}

function someKeys(random: Random): string[] {
  return random.shuffled(keys).slice(0, 1 + random.below(3));
}
