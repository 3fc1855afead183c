import { isLockError, type Lock } from "@lock/core";
import type { Step } from "./hand-off-schedule.ts";
import type { ModelledProcess } from "./modelled-process.ts";
import type { ModelledServer } from "./modelled-server.ts";

interface Call {
  readonly name: number;
  readonly process: ModelledProcess;
  readonly keys: readonly string[];
  readonly abort: AbortController;
  lock: Lock | null;
  /** Its job ends; `null`: it has, or not begun. */
  end: (() => void) | null;
  over: boolean;
}

/** The calls of a schedule, as the code of users makes them. */
export class PlayedCalls {
  grants = 0;
  readonly all: Call[] = [];
  readonly #server: ModelledServer;
  readonly #fair: boolean;
  readonly #tell: (line: string) => void;
  readonly #violate: (rule: string, message: string) => void;
  readonly #newest = new Map<string, bigint>();

  /** `fair`: none of them fails, unless it is aborted. */
  constructor(
    server: ModelledServer,
    fair: boolean,
    tell: (line: string) => void,
    violate: (rule: string, message: string) => void,
  ) {
    this.#server = server;
    this.#fair = fair;
    this.#tell = tell;
    this.#violate = violate;
  }

  make(step: Extract<Step, { keys: unknown }>, process: ModelledProcess): void {
    const abort = new AbortController();
    const call: Call = {
      name: this.all.length,
      process,
      keys: step.keys,
      abort,
      lock: null,
      end: null,
      over: false,
    };
    this.all.push(call);
    void this.#carryOut(call, step)
      .then(
        () => this.#tell(`${call.name} is over`),
        (error: unknown) => {
          this.#tell(`${call.name}: ${String(error)}`);
          if (error === abort.signal.reason) return;
          if (this.#fair || !isLockError(error))
            this.#violate("failed", `call ${call.name}: ${String(error)}`);
        },
      )
      .finally(() => {
        call.over = true;
      });
  }

  async #carryOut(
    call: Call,
    { does, keys, lease, timeout }: Extract<Step, { keys: unknown }>,
  ): Promise<void> {
    const { process, abort } = call;
    const args = { timeout, expire: lease, limit: 1, signal: abort.signal };
    if (does === "execute")
      return process.provider.execute(keys, (lock) => this.#hold(call, lock), args, undefined);
    const lock = await process.provider.acquire(
      keys,
      { ...args, ownerId: null, awaitQueue: true },
      undefined,
    );
    await this.#hold(call, lock);
    // Nobody else gives back what was acquired.
    for (let tries = 0; tries < 20; tries += 1) {
      const done = await lock.release().then(
        () => true,
        () => process.closed,
      );
      if (done) return;
    }
  }

  #hold(call: Call, lock: Lock): Promise<void> {
    const token = lock.fencingToken;
    this.#tell(`${call.name} holds, token ${token}`);
    this.grants += 1;
    for (const key of lock.keys) {
      const newest = this.#newest.get(key) ?? 0n;
      if (token > newest) this.#newest.set(key, token);
      else if (token > this.#server.floor && lock.remaining() > 0)
        this.#violate("token", `call ${call.name} has ${token} after ${newest}`);
    }
    return new Promise((resolve) => {
      call.lock = lock;
      call.end = () => {
        call.end = null;
        resolve();
      };
    });
  }
}
