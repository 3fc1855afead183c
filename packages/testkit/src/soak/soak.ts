import type { Locking, ProviderCapabilities } from "@lock/core";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "../random.ts";
import type { PreparedSuite } from "../suite/prepare.ts";
import { until, within } from "../world/bounded.ts";
import { connectSubject } from "../world/connect-subject.ts";
import { assembleCrew, type Crew } from "./crew.ts";
import { strike } from "./faults.ts";
import type { SoakOptions } from "./options.ts";
import { RollingHistory } from "./rolling-history.ts";

/** How a soak goes, or went. */
export interface SoakState {
  readonly milliseconds: number;
  readonly grants: number;
  /** Locks that were lost and whose holders were told. */
  readonly losses: number;
  /** Milliseconds. */
  readonly longestWait: number;
  readonly faults: number;
  /** What broke the contract, each with what contradicts what. */
  readonly violations: readonly string[];
}

export interface SoakReport extends SoakState {
  readonly name: string;
  readonly seed: number;
  readonly processes: number;
}

const lease = 2_000;
const keys = "abcdefghijkl".split("");
/** What a dead waiter, and after it a dead holder, may delay the last claims at most. */
const aftermath = 10_000 + lease + 2_000;

/** Lets processes compete for a few keys while faults befall them, and checks all that happened. */
export async function soak(
  suite: PreparedSuite,
  options: SoakOptions & { readonly onProgress?: (state: SoakState) => void },
): Promise<SoakReport> {
  const { subject, manifest, seed } = suite;
  const { milliseconds, processes, faults, onProgress } = options;
  const cut = faults.includes("cut");
  if (manifest.scope !== "shared") {
    throw new TypeError(
      "There is nothing to soak: the manifest says that it excludes within one process only",
    );
  }
  if (cut && subject.urlVariable === undefined) {
    throw new TypeError(
      "To cut connections the suite must know where the backend is: name the environment variable of its URL as `urlVariable` of the subject",
    );
  }
  const start = performance.now();
  const namespace = `testkit-${randomBytes(8).toString("hex")}`;
  const history = new RollingHistory();
  const violations: string[] = [];
  let struck = 0;
  const state = (): SoakState => ({
    milliseconds: performance.now() - start,
    grants: history.grants,
    losses: history.losses,
    longestWait: history.longestWait,
    faults: struck,
    violations: [...history.violations, ...violations],
  });
  const plan = { seed, keys, together: 6, limits: manifest.limits, lease, cut };
  const crew = assembleCrew(suite, namespace, plan);
  const { locking } = await connectSubject(subject, namespace);
  const live = setInterval(() => onProgress?.(state()), 500);
  try {
    await Promise.all(Array.from({ length: processes }, async () => await crew.hire()));
    const random = seededRandom(seed, "faults");
    const trial = async (): Promise<void> => {
      while (performance.now() - start < milliseconds) {
        const left = milliseconds - (performance.now() - start);
        await pause(Math.min(left, 400 + random.below(1_600)));
        struck += await strike(crew, faults, lease, random);
        await lookBack(crew, history);
      }
      violations.push(...(await comeToRest(crew)));
      await lookBack(crew, history);
      if (history.grants === 0) violations.push("Of all claims none was granted");
      violations.push(...(await findHeld(locking, manifest)));
      violations.push(...(await findOpen(crew)));
    };
    // A process that does not answer is no reason to keep silent about what was seen.
    violations.push(...(await Promise.allSettled([trial()])).flatMap(reasonOf));
    violations.push(
      ...crew.all.flatMap(({ process }) => process.surprises.map((one) => `${process.name}: ${one}`)),
    );
  } finally {
    clearInterval(live);
    await crew.dismiss();
    await locking.releaseAll().catch(() => {});
    await locking.close();
  }
  return { name: subject.name, seed, processes, ...state() };
}

/** Checks what has happened so far. Nobody stands still now, so that everybody's word can be had. */
async function lookBack(crew: Crew, history: RollingHistory): Promise<void> {
  const until = process.hrtime.bigint();
  const events = await Promise.all(
    crew.all.map(
      async (hand) => await within(10_000, `${hand.process.name} to answer`, hand.process.takeHistory()),
    ),
  );
  history.add(events.flat(), until);
}

/** Every claim must end, once nothing is in its way any more. */
async function comeToRest(crew: Crew): Promise<readonly string[]> {
  const rest = crew.hands.map(async ({ process }) => {
    await within(20_000 + aftermath, `the last claims of ${process.name} to end`, process.rest());
  });
  return (await Promise.allSettled(rest)).flatMap(reasonOf);
}

/** Nothing may be held, and nobody wait, once all claims have ended and the leases of the dead as well. */
async function findHeld(locking: Locking, manifest: ProviderCapabilities): Promise<readonly string[]> {
  const isFree = async (): Promise<boolean> => {
    if (!manifest.inspect) return await isGranted(locking);
    const states = await locking.inspect(keys);
    return states.every((state) => state.holders.length === 0 && state.waiting === 0);
  };
  const free = until("that nothing is held and nobody waits after all have ended", isFree, aftermath);
  return (await Promise.allSettled([free])).flatMap(reasonOf);
}

async function isGranted(locking: Locking): Promise<boolean> {
  const lock = await locking.acquire(keys, { expire: `${lease}ms` }).catch(() => undefined);
  await lock?.release();
  return lock !== undefined;
}

/** A process whose service is closed ends by itself: no timer and no connection is left. */
async function findOpen(crew: Crew): Promise<readonly string[]> {
  const closing = crew.hands.map(async ({ process }) => await process.close());
  return (await Promise.allSettled(closing)).flatMap(reasonOf);
}

function reasonOf(result: PromiseSettledResult<unknown>): readonly string[] {
  if (result.status === "fulfilled") return [];
  return [result.reason instanceof Error ? result.reason.message : String(result.reason)];
}
