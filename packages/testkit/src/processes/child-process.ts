import type {
  AcquireArgs,
  ExecuteArgs,
  Keys,
  KeyState,
  LockErrorCode,
  ReleaseAllArgs,
  ReleaseArgs,
} from "@lock/core";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { describeEvent, type HistoryEvent } from "../history/event.ts";
import { within } from "../world/bounded.ts";
import { deferred, type Deferred } from "../world/deferred.ts";
import type { WorkPlan } from "../soak/workload.ts";
import {
  describeCommand,
  describeOutcome,
  type ChildSettings,
  type Command,
  type Footprint,
  type Outcome,
  type RemoteGrant,
  type Report,
} from "./protocol.ts";

/** What a call in another process failed with. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  /** Of the `LockError` that it was there, if it was one. */
  readonly code: LockErrorCode | undefined;

  constructor(message: string, code: LockErrorCode | undefined) {
    super(message);
    this.code = code;
  }
}

/** An `execute` in another process. */
export interface RemoteHolding {
  /** Resolves when its job runs. */
  readonly granted: Promise<RemoteGrant>;
  /** Resolves with the reason when the signal of its lock aborts. */
  readonly aborted: Promise<string>;
  /** What `execute` came to; never rejects. */
  readonly outcome: Promise<Outcome>;
  /** Ends its job, and resolves once `execute` has ended well. */
  readonly free: () => Promise<void>;
}

interface Call {
  /** Whether its outcome is told: what happens to a claim is told by its events. */
  readonly told: boolean;
  readonly granted: Deferred<RemoteGrant>;
  readonly aborted: Deferred<string>;
  readonly outcome: Deferred<Outcome>;
}

/** A process of its own with a service over the subject, which does what it is told until it is reaped. */
export interface TestProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** What happened to its claims so far. */
  readonly history: readonly HistoryEvent[];
  /** Starts an `execute` whose job lasts `work` milliseconds, by default until it is freed. */
  execute(keys: Keys, args?: Omit<ExecuteArgs, "signal" | "provider">, work?: number): RemoteHolding;
  /** Adds 1 to the number in `file`, `times` times, `together` at once, each read and written back under the lock. */
  increment(key: string, file: string, times: number, together: number): Promise<void>;
  acquire(keys: Keys, args?: Omit<AcquireArgs, "signal" | "provider">): Promise<RemoteGrant>;
  release(keys: Keys, args?: Omit<ReleaseArgs, "provider">): Promise<boolean>;
  releaseAll(args?: Omit<ReleaseAllArgs, "provider">): Promise<void>;
  inspect(keys: Keys): Promise<readonly KeyState[]>;
  /** Asks `times` times for keys that are held, in all the ways in which that can end. */
  contend(times: number): Promise<void>;
  /** What it keeps in memory. */
  measure(): Promise<Footprint>;
  /** Lets it make claims by a plan, until it is told to rest. */
  work(plan: WorkPlan): Promise<void>;
  /** Resolves when the last claim of its work has ended. */
  rest(): Promise<void>;
  /** How claims of its work ended that should not have ended so. */
  readonly surprises: readonly string[];
  /** What happened so far, once all of it has been heard; `history` then starts anew. A process that stands still doesn't answer. */
  takeHistory(): Promise<readonly HistoryEvent[]>;
  /** SIGKILL: it is gone without a word. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still. */
  stop(): void;
  /** SIGCONT: it goes on. */
  continue(): void;
  /** Closes its service, and resolves when the process has ended by itself. */
  close(): Promise<void>;
}

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a process, and resolves when its provider is connected. `note` is told what happens in it, as it is heard. */
export async function startProcess(
  settings: ChildSettings,
  note: (what: string, at?: bigint) => void = () => {},
): Promise<TestProcess> {
  const child = fork(new URL("./child.js", import.meta.url), [JSON.stringify(settings)], {
    // The flags of a test runner's own process are none of the child's.
    execArgv: [],
    env: { ...process.env, ...settings.env },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  living.add(child);
  const exited = once(child, "exit").then(async () => {
    living.delete(child);
    // What it had reported is heard before its channel closes.
    if (child.connected) await once(child, "disconnect");
  });
  const ready = deferred();
  const calls = new Map<number, Call>();
  const history: HistoryEvent[] = [];
  const surprises: string[] = [];
  let last = 0;

  child.on("message", (message) => {
    const report = message as Report;
    switch (report.report) {
      case "ready":
        return ready.resolve();
      case "failed":
        return ready.reject(new Error(`Process ${settings.name} could not start: ${report.message}`));
      case "event":
        note(describeEvent(report.event), report.event.at);
        return void history.push(report.event);
      case "surprise":
        return void surprises.push(report.message);
      case "granted":
        return calls.get(report.call)?.granted.resolve(report.grant);
      case "aborted":
        return calls.get(report.call)?.aborted.resolve(report.message);
      case "settled": {
        const { outcome } = report;
        if (calls.get(report.call)?.told) note(`call ${report.call} → ${describeOutcome(outcome)}`);
        if (!outcome.ok)
          calls.get(report.call)?.granted.reject(new RemoteError(outcome.message, outcome.code));
        return calls.get(report.call)?.outcome.resolve(outcome);
      }
    }
  });
  child.on("error", ready.reject);
  void exited.then(() => {
    const gone = new Error(`Process ${settings.name} has ended`);
    ready.reject(gone);
    for (const call of calls.values()) {
      call.granted.reject(gone);
      call.outcome.resolve({ ok: false, code: undefined, message: gone.message });
    }
  });

  const ask = (command: Command): { readonly number: number; readonly call: Call } => {
    const number = ++last;
    const told = command.do !== "execute";
    const call: Call = { told, granted: deferred(), aborted: deferred(), outcome: deferred() };
    calls.set(number, call);
    if (told) note(`call ${number}: ${describeCommand(command)}`);
    child.send({ call: number, command }, (error) => {
      if (error === null) return;
      call.granted.reject(error);
      call.outcome.resolve({ ok: false, code: undefined, message: String(error) });
    });
    return { number, call };
  };
  const result = async (command: Command): Promise<(Outcome & { ok: true })["value"]> => {
    const outcome = await ask(command).call.outcome.promise;
    if (!outcome.ok) throw new RemoteError(outcome.message, outcome.code);
    return outcome.value;
  };
  const suspended = (signal: "SIGKILL" | "SIGSTOP"): void => {
    note(signal);
    const written = { process: settings.name, call: 0, kind: "suspended", keys: [], limit: 1 } as const;
    const stamp = (): void => void history.push({ ...written, at: process.hrtime.bigint() });
    stamp();
    child.kill(signal);
    // Again, for what it was granted before the signal reached it: now, and for what ran on for a moment on another processor.
    stamp();
    setTimeout(stamp, 2).unref();
  };
  const kill = async (): Promise<void> => {
    suspended("SIGKILL");
    await exited;
  };

  try {
    await within(15_000, `process ${settings.name} to start`, ready.promise);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    name: settings.name,
    pid: child.pid!,
    history,
    execute: (keys, args = {}, work = Infinity) => {
      const { number, call } = ask({ do: "execute", keys: [keys].flat(), args, work });
      return {
        granted: call.granted.promise,
        aborted: call.aborted.promise,
        outcome: call.outcome.promise,
        free: async () => {
          await result({ do: "free", call: number });
          const outcome = await call.outcome.promise;
          if (!outcome.ok) throw new RemoteError(outcome.message, outcome.code);
        },
      };
    },
    increment: async (key, file, times, together) => {
      await result({ do: "increment", key, file, times, together });
    },
    acquire: async (keys, args = {}) =>
      (await result({ do: "acquire", keys: [keys].flat(), args })) as RemoteGrant,
    release: async (keys, args = {}) =>
      (await result({ do: "release", keys: [keys].flat(), args })) as boolean,
    releaseAll: async (args = {}) => {
      await result({ do: "releaseAll", args });
    },
    inspect: async (keys) => (await result({ do: "inspect", keys: [keys].flat() })) as readonly KeyState[],
    contend: async (times) => {
      await result({ do: "contend", times });
    },
    measure: async () => (await result({ do: "measure" })) as Footprint,
    work: async (plan) => {
      await result({ do: "work", plan });
    },
    rest: async () => {
      await result({ do: "rest" });
    },
    surprises,
    takeHistory: async () => {
      if (child.exitCode === null && child.signalCode === null) await result({ do: "answer" });
      return history.splice(0);
    },
    kill,
    stop: () => {
      suspended("SIGSTOP");
    },
    continue: () => {
      note("SIGCONT");
      child.kill("SIGCONT");
    },
    close: async () => {
      await result({ do: "close" });
      await within(3_000, `process ${settings.name} to end by itself after close()`, exited);
    },
    [Symbol.asyncDispose]: kill,
  };
}
