import type { ProviderChoice } from "../providers/choices.ts";
import type { SaleEvent } from "../sale/event.ts";
import type { NumberField, Range, SalePlan } from "../sale/plan.ts";
import type { SaleStatus } from "../sale/sale.ts";
import type { Tally } from "../sale/tally.ts";

/** What the page needs before the first sale. */
export interface Setup {
  readonly ranges: Readonly<Record<NumberField, Range>>;
  readonly providers: readonly ProviderChoice[];
  /** Why nobody can be killed with in-memory locks. */
  readonly oneProcess: string;
}

/** How far a sale has come, with the events since the last time. */
export interface Progress {
  readonly status: SaleStatus;
  readonly problem: string | null;
  /** Milliseconds since the shop opened. */
  readonly elapsed: number;
  readonly events: readonly SaleEvent[];
  readonly tally: Tally;
}

/** A sale that is over, as a line to compare with others. */
export interface PastSale {
  readonly id: number;
  readonly plan: SalePlan;
  readonly status: SaleStatus;
  readonly elapsed: number;
  readonly tally: Tally;
}

/** Everything, for a page that has just been opened or a sale that has just begun or ended. */
export interface Scene {
  readonly sale: (Progress & { readonly id: number; readonly plan: SalePlan }) | null;
  readonly past: readonly PastSale[];
}

/** What the server sends by itself, by the name of the event. */
export type Broadcast =
  | { readonly event: "scene"; readonly data: Scene }
  | { readonly event: "progress"; readonly data: Progress };
