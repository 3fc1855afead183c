import type {
  AcquireArgs,
  ExecuteArgs,
  KeyState,
  LockErrorCode,
  ReleaseAllArgs,
  ReleaseArgs,
} from "@lock/core";
import { inspect } from "node:util";
import type { HistoryEvent } from "../history/event.ts";
import type { WorkPlan } from "../soak/workload.ts";

/** Arguments that can be sent to another process. */
type Sendable<T> = Omit<T, "signal" | "provider">;

/** What a child process is started with. */
export interface ChildSettings {
  readonly subject: string;
  readonly namespace: string;
  /** What reports call the process. */
  readonly name: string;
  /** Milliseconds by which the wall clock of the process is wrong. */
  readonly clockShift: number;
  /** What its environment has beside that of this process, or instead. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

interface ExecuteCommand {
  readonly do: "execute";
  readonly keys: readonly string[];
  readonly args: Sendable<ExecuteArgs>;
  /** How long the job lasts in milliseconds; `Infinity`: until `free`. */
  readonly work: number;
}

export type Command =
  | ExecuteCommand
  /** Ends the job of an earlier `execute`. */
  | { readonly do: "free"; readonly call: number }
  /** Adds 1 to the number in `file`, `times` times, `together` at once, each read and written back under the lock. */
  | {
      readonly do: "increment";
      readonly key: string;
      readonly file: string;
      readonly times: number;
      readonly together: number;
    }
  | { readonly do: "acquire"; readonly keys: readonly string[]; readonly args: Sendable<AcquireArgs> }
  | { readonly do: "release"; readonly keys: readonly string[]; readonly args: Sendable<ReleaseArgs> }
  | { readonly do: "releaseAll"; readonly args: Sendable<ReleaseAllArgs> }
  | { readonly do: "inspect"; readonly keys: readonly string[] }
  /** Asks `times` times for a key that is held: refused, timed out, aborted, granted after a wait. */
  | { readonly do: "contend"; readonly times: number }
  /** Measures what the process keeps. */
  | { readonly do: "measure" }
  /** Makes claims by a plan, until told to rest. */
  | { readonly do: "work"; readonly plan: WorkPlan }
  /** Makes no more claims, and answers when the last has ended. */
  | { readonly do: "rest" }
  /** Answers: whatever was reported before has then been heard. */
  | { readonly do: "answer" }
  /** Closes the service and lets go of the parent: the process then ends by itself, if nothing is left in it. */
  | { readonly do: "close" };

/** A grant as it is told to another process. */
export interface RemoteGrant {
  readonly token: bigint | undefined;
  /** Milliseconds; `remaining()` of the handle. */
  readonly remaining: number;
}

/** What a process keeps. */
export interface Footprint {
  /** Bytes of its heap that are in use, after garbage was collected. */
  readonly heap: number;
  /** Timers that keep it up. */
  readonly timers: number;
}

/** What a command comes to. */
export type Outcome =
  | { readonly ok: true; readonly value: undefined | boolean | RemoteGrant | Footprint | readonly KeyState[] }
  | { readonly ok: false; readonly code: LockErrorCode | undefined; readonly message: string };

export interface Request {
  readonly call: number;
  readonly command: Command;
}

/** What a child sends. */
export type Report =
  | { readonly report: "ready" }
  | { readonly report: "failed"; readonly message: string }
  /** The job of a call runs. */
  | { readonly report: "granted"; readonly call: number; readonly grant: RemoteGrant }
  /** The signal of a call's lock aborted. */
  | { readonly report: "aborted"; readonly call: number; readonly message: string }
  | { readonly report: "settled"; readonly call: number; readonly outcome: Outcome }
  /** A claim of the work ended as none should. */
  | { readonly report: "surprise"; readonly message: string }
  | { readonly report: "event"; readonly event: HistoryEvent };

/** A command in words. */
export function describeCommand({ do: what, ...rest }: Command): string {
  return `${what} ${inspect(rest, { breakLength: Infinity })}`;
}

/** What it came to, in words. */
export function describeOutcome(outcome: Outcome): string {
  return outcome.ok ? inspect(outcome.value, { breakLength: Infinity }) : outcome.message;
}
