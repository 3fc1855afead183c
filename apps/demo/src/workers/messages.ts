import type { SaleEvent } from "../sale/event.ts";
import type { CheckoutOrders } from "../sale/checkout.ts";
import type { ProviderId } from "../providers/choices.ts";
import type { Write } from "../sale/stock.ts";

/** To a worker. */
export type ToWorker =
  | {
      readonly type: "open";
      readonly orders: CheckoutOrders;
      /** `null`: sell without locks. */
      readonly provider: ProviderId | null;
      readonly url: string | null;
    }
  | { readonly type: "start" }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown };

/** What a worker asks of the shop. */
export type Question =
  | { readonly ask: "nextBuyer" }
  | { readonly ask: "read" }
  | { readonly ask: "write"; readonly write: Write };

/** From a worker. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "broken"; readonly reason: string }
  | { readonly type: "question"; readonly id: number; readonly question: Question }
  | { readonly type: "report"; readonly event: SaleEvent };
