import { LockError } from "../contract/errors.ts";
import { describe } from "./describe.ts";

/**
 * A length of time: seconds as a finite number, or one number (decimals allowed) directly followed by its unit, such as
 * `"250ms"`, `"1.5s"`, `"10m"`, `"12h"` or `"40d"`.
 */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const milliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds of a duration. `name` is what the message calls it, `keys` those of the call that it was given to.
 *
 * @throws {LockError} `LOCK_INVALID_ARGUMENT` for anything that is not a finite, non-negative duration.
 */
export function parseDuration(value: unknown, name: string, keys: readonly string[] = []): number {
  const parsed =
    typeof value === "number" ? value * 1_000 : typeof value === "string" ? parseText(value) : NaN;
  if (Number.isFinite(parsed) && parsed >= 0) return parsed;
  throw new LockError(
    "LOCK_INVALID_ARGUMENT",
    `${name} must be a finite number of seconds, not negative, or a string such as "250ms", "1.5s", "10m", "12h" or "40d"; got ${describe(value)}`,
    { keys },
  );
}

function parseText(text: string): number {
  const match = pattern.exec(text);
  if (match === null) return NaN;
  return Number(match[1]) * milliseconds[match[2] as keyof typeof milliseconds];
}
