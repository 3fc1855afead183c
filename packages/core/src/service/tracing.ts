import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";

/** What subscribers of the tracing channels get; `result` and `error` are added by Node. */
export interface LockingTrace {
  /** The registered id, `lp_{id}`. */
  readonly provider: string;
  readonly keys: readonly string[];
  readonly ownerId: string | null;
}

type Operation = "execute" | "acquire" | "release";

const channels: Readonly<Record<Operation, TracingChannel<string, LockingTrace>>> = {
  execute: tracingChannel("@lock/core:execute"),
  acquire: tracingChannel("@lock/core:acquire"),
  release: tracingChannel("@lock/core:release"),
};

/** Publishes the call on `tracing:@lock/core:{operation}:{start,end,asyncStart,asyncEnd,error}`, where anybody listens. */
export function traced<T>(
  operation: Operation,
  trace: () => LockingTrace,
  call: () => Promise<T>,
): Promise<T> {
  const channel = channels[operation];
  return channel.hasSubscribers ? channel.tracePromise(call, trace()) : call();
}
