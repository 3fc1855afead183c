import assert from "node:assert/strict";
import type { ProviderCapabilities } from "../../src/contract/capabilities.ts";
import type { Logger } from "../../src/contract/logger.ts";
import type {
  Claim,
  LockStore,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  StoreEvents,
  TakeReply,
} from "../../src/contract/lock-store.ts";
import type { CleanAcquireArgs, CleanExecuteArgs } from "../../src/contract/provider.ts";
import { Engine } from "../../src/engine/engine.ts";
import { defaultPolicy, type Policy } from "../../src/engine/policy.ts";
import { ManualClock, settled } from "./manual-clock.ts";

/** A call to the store that waits for its answer. */
interface Sent<Request, Reply> {
  readonly requests: readonly Request[];
  answer(...replies: Reply[]): void;
  fail(error: unknown): void;
}

type Handler<Request, Reply> = ((request: Request) => Reply) | null;

/** One operation of a store: what was sent and not answered yet, unless `always` answers. */
class Operation<Request, Reply> {
  always: Handler<Request, Reply> = null;
  readonly all: (readonly Request[])[] = [];
  readonly #open: Sent<Request, Reply>[] = [];

  send(requests: readonly Request[]): Promise<readonly Reply[]> {
    this.all.push(requests);
    const { always } = this;
    if (always !== null) return Promise.resolve(requests.map((request) => always(request)));
    return new Promise((resolve, reject) => {
      this.#open.push({ requests, answer: (...replies) => resolve(replies), fail: reject });
    });
  }

  /** The next call that was not answered yet. */
  async next(): Promise<Sent<Request, Reply>> {
    await settled();
    const sent = this.#open.shift();
    assert(sent !== undefined, "nothing was sent");
    return sent;
  }
}

/** A store whose every answer is the test's. */
export class ScriptedStore implements LockStore {
  readonly batch: number;
  readonly takes: Operation<Claim, TakeReply> = new Operation();
  readonly renewals: Operation<Renewal, RenewReply> = new Operation();
  readonly releases: Operation<Release, ReleaseReply> = new Operation();
  capabilities: ProviderCapabilities = {
    scope: "shared",
    fencing: true,
    limits: true,
    fifo: true,
    push: true,
    inspect: false,
    transactions: false,
    crashRelease: "lease",
  };
  events!: StoreEvents;
  closed = 0;

  constructor(batch = 100) {
    this.batch = batch;
  }

  connect({ events }: StoreContext): void {
    this.events = events;
  }

  take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
    return this.takes.send(claims);
  }

  renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
    return this.renewals.send(renewals);
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.releases.send(releases);
  }

  releaseAll(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed += 1;
  }

  /** Grants whatever is asked for, renews and releases it. */
  obliging(): this {
    let token = 0;
    this.takes.always = ({ id, lease }) => granted(id, { token: ++token, remaining: lease });
    this.renewals.always = ({ lease }) => ({ status: "renewed", remaining: lease });
    this.releases.always = () => freed;
    return this;
  }
}

export const freed: ReleaseReply = { status: "released", freed: true };
export const gone: ReleaseReply = { status: "released", freed: false };

export function granted(grantId: string, more: { token?: number; remaining?: number } = {}): TakeReply {
  return { status: "granted", grantId, token: 1, remaining: 30_000, ...more };
}

export function queued(ticket: number): TakeReply {
  return { status: "queued", ticket, checkIn: Infinity };
}

/** An engine over a scripted store, in virtual time. */
export interface Stage {
  readonly engine: Engine;
  readonly store: ScriptedStore;
  readonly clock: ManualClock;
  /** What was logged as a warning. */
  readonly warnings: string[];
}

export async function stage(
  store: ScriptedStore = new ScriptedStore(),
  policy: Partial<Policy> = {},
): Promise<Stage> {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const silent = (): void => {};
  const logger: Logger = {
    debug: silent,
    info: silent,
    warn: (text) => void warnings.push(text),
    error: silent,
  };
  const engine = new Engine("scripted", store, { ...defaultPolicy, ...policy }, clock, () => 0.5);
  await engine.connect({ id: "scripted", logger });
  return { engine, store, clock, warnings };
}

export const executeArgs: CleanExecuteArgs = {
  timeout: undefined,
  expire: undefined,
  limit: 1,
  signal: undefined,
};
export const acquireArgs: CleanAcquireArgs = { ...executeArgs, ownerId: null, awaitQueue: false };
