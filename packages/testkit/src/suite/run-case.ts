import type { Subject } from "../subject.ts";
import { within } from "../world/bounded.ts";
import { openWorld } from "../world/world.ts";
import type { ApplicableCase } from "./applicable.ts";

/** A subject, and the address of the module that it comes from. */
export interface LoadedSubject {
  readonly subject: Subject;
  readonly module: string;
}

/** Milliseconds that a case may take. */
export function timeLimit(one: ApplicableCase): number {
  return one.case.limit ?? (one.case.needs === "processes" ? 30_000 : 10_000);
}

/**
 * Runs a case in a world of its own, and leaves nothing behind. Rejects when the provider breaks the sentence; the
 * message then tells what was done and seen.
 */
export async function runCase(one: ApplicableCase, { subject, module }: LoadedSubject): Promise<void> {
  const opened = await openWorld({ subject, module, apart: one.placement === "two services" });
  let broken: { readonly error: unknown } | undefined;
  try {
    await within(timeLimit(one), "the case to end", one.case.run(opened.world));
  } catch (error) {
    broken = { error };
  }
  const story = opened.journal.toString();
  try {
    await within(10_000, "the provider to clean up", opened.close());
  } catch (error) {
    broken ??= { error };
  }
  if (broken !== undefined) throw told(broken.error, story);
}

function told(error: unknown, story: string): Error {
  const failure = error instanceof Error ? error : new Error(String(error));
  if (story !== "") failure.message += `\n\nDone and seen:\n${story}`;
  return failure;
}
