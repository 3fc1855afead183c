import type { Subject } from "../subject.ts";
import { within } from "../world/bounded.ts";
import { openWorld } from "../world/world.ts";
import type { ApplicableCase } from "./applicable.ts";
import { asError, explain, type Verdict } from "./verdict.ts";

/** A subject, and the address of the module that it comes from. */
export interface LoadedSubject {
  readonly subject: Subject;
  readonly module: string;
  /** What the choices of the cases that leave some to chance are drawn from. Default: 0. */
  readonly seed?: number;
}

/** Milliseconds that a case may take. */
export function timeLimit(one: ApplicableCase): number {
  return one.case.limit ?? (one.case.needs === "processes" ? 30_000 : 10_000);
}

/** Runs a case in a world of its own, leaves nothing behind, and says what became of it. */
export async function judgeCase(
  one: ApplicableCase,
  { subject, module, seed = 0 }: LoadedSubject,
): Promise<Verdict> {
  const start = performance.now();
  const spent = (): number => performance.now() - start;
  let timeline: readonly string[] = [];
  try {
    const apart = one.placement === "two services";
    const opened = await openWorld({ subject, module, apart, seed, name: one.title });
    let ended: unknown;
    try {
      await within(timeLimit(one), "the case to end", one.case.run(opened.world));
    } catch (error) {
      ended = error;
      throw error;
    } finally {
      timeline = opened.journal.lines();
      const closing = within(10_000, "the provider to clean up", opened.close());
      // What went wrong first is what is told.
      await (ended === undefined ? closing : closing.catch(() => {}));
    }
  } catch (error) {
    return {
      status: "failed",
      milliseconds: spent(),
      failure: explain(one, error, timeline, { module, seed }),
    };
  }
  return { status: "passed", milliseconds: spent() };
}

/** Runs a case for a test runner: rejects when the provider breaks the sentence, with an error that tells all. */
export async function runCase(one: ApplicableCase, suite: LoadedSubject): Promise<void> {
  const verdict = await judgeCase(one, suite);
  if (verdict.status === "failed") throw asError(one, verdict.failure);
}
