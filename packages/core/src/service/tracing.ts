import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/** What subscribers of the tracing channels get; `result` and `error` are added by Node. */
interface LockingTrace {
  /** The registered id, `lp_{id}`. */
  readonly provider: string;
  readonly keys: readonly string[];
  readonly ownerId: string | null;
}

type Operation = "execute" | "acquire" | "release";

/** Calls are published on `tracing:@lock/core:{operation}:{start,end,asyncStart,asyncEnd,error}`, where anybody listens. */
export const tracing: Readonly<Record<Operation, TracingChannel<string, LockingTrace>>> = {
  execute: tracingChannel("@lock/core:execute"),
  acquire: tracingChannel("@lock/core:acquire"),
  release: tracingChannel("@lock/core:release"),
};
