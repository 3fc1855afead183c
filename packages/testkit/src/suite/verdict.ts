import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApplicableCase } from "./applicable.ts";

/** Why a case failed, told so that nobody has to read the suite. */
export interface Failure {
  /** What was thrown. */
  readonly error: unknown;
  /** What was expected, and what was seen instead. */
  readonly message: string;
  /** What was done and seen, in order, by every service and process. */
  readonly timeline: readonly string[];
  /** The command that repeats it, with the choices that were left to chance. */
  readonly repeat: string;
  /** Where the documentation says what the area asks for. */
  readonly link: string;
}

/** What became of a case. */
export type Verdict =
  | { readonly status: "passed"; readonly milliseconds: number }
  | { readonly status: "failed"; readonly milliseconds: number; readonly failure: Failure };

const page = "https://github.com/lock-js/lock/blob/main/docs/writing-a-provider.md";

export function explain(
  one: ApplicableCase,
  error: unknown,
  timeline: readonly string[],
  { module, seed }: { readonly module: string; readonly seed: number },
): Failure {
  const { area } = one.case;
  const file = module.startsWith("file:") ? relative(process.cwd(), fileURLToPath(module)) : module;
  return {
    error,
    message: error instanceof Error ? error.message : String(error),
    timeline,
    repeat: `npx lock-testkit ${file.startsWith(".") ? file : `./${file}`} --only ${area} --seed ${seed}`,
    link: `${page}#${area.toLowerCase()}`,
  };
}

/** The failure as an error of any test runner: what was thrown, with a message that tells all. */
export function asError(one: ApplicableCase, { error, message, timeline, repeat, link }: Failure): Error {
  const story = timeline.length === 0 ? "" : `\n\nDone and seen:\n${timeline.join("\n")}`;
  const failure = error instanceof Error ? error : new Error();
  failure.message = `${message}\n\nThe contract: ${one.title}${story}\n\nRepeat it: ${repeat}\nRead: ${link}`;
  return failure;
}
