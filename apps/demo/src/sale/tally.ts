import type { Outcome, SaleEvent } from "./event.ts";
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
  /** Of those refused, the ones for whom no lock could be had. */
  readonly unserved: number;
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
  const fates = new Map<number, Outcome | "unserved" | "abandoned">(receipts.map((buyer) => [buyer, "sold"]));
  const stepped = new Map<number, number>();
  const durations: number[] = [];
  const segments = new Segments();
  for (const event of events) {
    segments.add(event);
    if (event.kind === "waiting") stepped.set(event.buyer, event.at);
    else if (event.kind === "left" && event.outcome === "sold") {
      durations.push(event.at - (stepped.get(event.buyer) ?? event.at));
    } else if (event.kind === "left") fates.set(event.buyer, event.outcome);
    // A lock that was lost after the purchase, or a process that died after it, takes nothing back.
    else if (event.kind === "failed" && !fates.has(event.buyer)) fates.set(event.buyer, "unserved");
    else if (event.kind === "died" && event.buyer !== null && !fates.has(event.buyer)) {
      fates.set(event.buyer, "abandoned");
    }
  }
  durations.sort((a, b) => a - b);
  const number = (...wanted: readonly string[]): number =>
    [...fates.values()].filter((fate) => wanted.includes(fate)).length;
  const happened = (kind: SaleEvent["kind"]): number => events.filter((event) => event.kind === kind).length;
  return {
    sold: receipts.length,
    left,
    oversold: Math.max(0, receipts.length - stock),
    refused: number("sold-out", "stale", "unserved"),
    stale: number("stale"),
    unserved: number("unserved"),
    abandoned: number("abandoned"),
    killed: happened("died"),
    frozen: happened("frozen"),
    median: percentile(durations, 0.5),
    p95: percentile(durations, 0.95),
    mostInside: Math.max(0, ...crowding(segments.all, 0).map((step) => step.inside)),
  };
}

/** By nearest rank. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
