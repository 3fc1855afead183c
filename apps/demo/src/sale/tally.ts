import type { SaleEvent } from "./event.ts";
import { crowding, Segments } from "./segments.ts";

/** The numbers of a sale. */
export interface Tally {
  /** Buyers with a receipt. */
  readonly sold: number;
  /** What the stock says is left. */
  readonly left: number;
  /** Receipts for which there was nothing to sell. */
  readonly oversold: number;
  /** Buyers who were sent away: sold out, a stale write, or no lock to be had. */
  readonly refused: number;
  /** Of those refused, the writes that fencing turned away. */
  readonly stale: number;
  /** Buyers whose checkout died before they had a receipt. */
  readonly abandoned: number;
  /** How many checkouts were killed, and how often one was frozen. */
  readonly killed: number;
  readonly frozen: number;
  /** Milliseconds from stepping up to having a receipt, of those who got one; `null` before the first. */
  readonly median: number | null;
  readonly p95: number | null;
  /** The most checkouts that ever were between reading and writing at the same time. */
  readonly mostInside: number;
}

export interface Books {
  readonly stock: number;
  readonly left: number;
  readonly receipts: readonly number[];
  readonly events: readonly SaleEvent[];
}

export function tally({ stock, left, receipts, events }: Books): Tally {
  const sold = new Set(receipts);
  const stepped = new Map<number, number>();
  const durations: number[] = [];
  const refused = new Set<number>();
  const abandoned = new Set<number>();
  let stale = 0;
  for (const event of events) {
    if (event.kind === "waiting") stepped.set(event.buyer, event.at);
    else if (event.kind === "left") {
      if (event.outcome === "sold") durations.push(event.at - (stepped.get(event.buyer) ?? event.at));
      else refused.add(event.buyer);
      if (event.outcome === "stale") stale++;
    } else if (event.kind === "failed" && !sold.has(event.buyer)) refused.add(event.buyer);
    else if (
      event.kind === "died" &&
      event.buyer !== null &&
      !sold.has(event.buyer) &&
      !refused.has(event.buyer)
    ) {
      abandoned.add(event.buyer);
    }
  }
  durations.sort((a, b) => a - b);
  const segments = new Segments();
  for (const event of events) segments.add(event);
  return {
    sold: receipts.length,
    left,
    oversold: Math.max(0, receipts.length - stock),
    refused: refused.size,
    stale,
    abandoned: abandoned.size,
    killed: events.filter((event) => event.kind === "died").length,
    frozen: events.filter((event) => event.kind === "frozen").length,
    median: percentile(durations, 0.5),
    p95: percentile(durations, 0.95),
    mostInside: Math.max(0, ...crowding(segments.all, 0).map((step) => step.inside)),
  };
}

/** By nearest rank. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
