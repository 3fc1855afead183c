import type { BackendName } from "../contenders/of-backend.ts";
import type { HeldCosts } from "../work/held.ts";
import type { Cycling } from "../work/growth.ts";
import type { Traffic, TrafficRun } from "../work/neighbours.ts";
import type { RenewalCost } from "../work/renewing.ts";
import type { Sizes } from "../work/bytes.ts";
import type { QueueRun } from "../work/queue.ts";
import type { Repeated } from "../work/uncontended.ts";
import type { Contention, Visits } from "../work/contended.ts";

/** Whose turn it is, and where. */
export interface Entry {
  readonly backend: BackendName;
  readonly contender: string;
  readonly url: string;
  /** The most callers there will be at once. */
  readonly callers: number;
}

/** What a member of the crew can be asked to do, and what it answers. */
export interface Tasks {
  open: { ask: Entry; answer: void };
  roundTrip: { ask: { backend: BackendName; url: string }; answer: number };
  uncontended: { ask: Entry & { milliseconds: number; at: number }; answer: Repeated };
  contended: { ask: Entry & Contention; answer: Visits };
  queue: { ask: Entry & { depth: number }; answer: QueueRun };
  bytes: { ask: Entry & { count: number }; answer: Sizes };
  fill: { ask: { backend: BackendName; url: string; upTo: number }; answer: number };
  held: { ask: { backend: BackendName; url: string; operations: number }; answer: HeldCosts };
  emptyOut: { ask: { backend: BackendName; url: string }; answer: void };
  renewing: {
    ask: { backend: BackendName; url: string; locks: number; lease: number; milliseconds: number };
    answer: RenewalCost;
  };
  cycle: { ask: Cycling; answer: void };
  traffic: { ask: Traffic; answer: TrafficRun };
}

export type TaskName = keyof Tasks;

export interface Request<Name extends TaskName = TaskName> {
  readonly id: number;
  readonly task: Name;
  readonly ask: Tasks[Name]["ask"];
}

export type Response =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string };
