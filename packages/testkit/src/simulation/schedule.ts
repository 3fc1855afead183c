/** What every call has. Times are in milliseconds, from the beginning. */
interface Called {
  /** What the story calls it. */
  readonly name: number;
  readonly at: number;
  /** Which of the processes makes it. */
  readonly process: number;
}

interface Wish extends Called {
  readonly keys: readonly string[];
  readonly limit: number;
  readonly timeout: number;
  /** When its signal aborts, after the call; `null`: never. */
  readonly abortsAfter: number | null;
  /** How long it holds what it was granted. */
  readonly lasts: number;
  /** A change of its expiry, `after` so long: to `expire` from then on. */
  readonly extend: { readonly after: number; readonly expire: number } | null;
}

export interface ExecuteCall extends Wish {
  readonly does: "execute";
  readonly expire: number | undefined;
  /** Whether the job listens to `lock.signal`, and ends when it aborts. */
  readonly listens: boolean;
  /** Whether the job fails in the end. */
  readonly throws: boolean;
}

export interface AcquireCall extends Wish {
  readonly does: "acquire";
  readonly ownerId: string | null;
  readonly awaitQueue: boolean;
  readonly expire: number | undefined;
  /** Whether it leaves the lock to its expiry; else it releases it. */
  readonly leaves: boolean;
}

export interface ReleaseCall extends Called {
  readonly does: "release";
  readonly keys: readonly string[];
  readonly ownerId: string | null;
}

export interface ReleaseAllCall extends Called {
  readonly does: "releaseAll";
  readonly ownerId: string | null;
}

export interface CloseCall extends Called {
  readonly does: "close";
  readonly drain: number;
}

export type WaitingCall = ExecuteCall | AcquireCall;
export type Call = WaitingCall | ReleaseCall | ReleaseAllCall | CloseCall;

/** What happens to processes, to the network and to the backend's clock, beside the weather. */
export type Fault =
  /** It vanishes: nothing of it runs any more. */
  | { readonly kind: "crash"; readonly at: number; readonly process: number }
  /** It stands still; when it goes on, its clock has jumped. */
  | {
      readonly kind: "pause";
      readonly at: number;
      readonly process: number;
      readonly lasts: number;
      /** What it comes to first when it goes on: its timers, or what has arrived meanwhile. */
      readonly first: "timers" | "messages";
    }
  /** It is cut off from the backend; when the connection is back, it asks for every claim that waits. */
  | {
      readonly kind: "cut";
      readonly at: number;
      readonly process: number;
      readonly lasts: number;
      /** Whether requests go unanswered instead of failing. */
      readonly silent: boolean;
    }
  /** The backend's clock is set forward or back. */
  | { readonly kind: "step"; readonly at: number; readonly by: number };

/** How messages fare. Shares are from 0 to 1. */
export interface Weather {
  /** The longest that a message takes. */
  readonly latency: number;
  /** The share of requests that something befalls. */
  readonly trouble: number;
  /** The share of pushes that are lost, late or doubled. */
  readonly pushTrouble: number;
}

/** What kind of store the processes have. */
export interface StoreKind {
  readonly batch: number;
  readonly push: boolean;
  /** Whether it tells of grants that were freed from elsewhere. */
  readonly tellsLost: boolean;
}

/** All that is to happen in a run; the same schedule runs the same way every time. */
export interface Schedule {
  readonly seed: number;
  readonly processes: number;
  readonly store: StoreKind;
  readonly weather: Weather;
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
  /** Messages that nothing befalls, whatever the weather: those that a failure does not need. */
  readonly calm: readonly string[];
}

/** Until when there is trouble; from then on all messages arrive. */
export const TROUBLE_ENDS = 40_000;
