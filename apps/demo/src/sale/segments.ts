import type { Outcome, SaleEvent } from "./event.ts";

/** A stretch of time at one checkout. */
export interface Segment {
  readonly kind: "waiting" | "holding" | "frozen" | "dead";
  readonly checkout: number;
  readonly buyer: number;
  readonly token: string | null;
  readonly from: number;
  /** `null` while it lasts. */
  to: number | null;
  /** Of the purchase that ended with this segment. */
  outcome: Outcome | "failed" | null;
}

/** Turns events into the stretches of the picture. Fed in the order of each checkout; the checkouts may be interleaved. */
export class Segments {
  readonly all: Segment[] = [];
  readonly #current = new Map<number, Segment>();
  readonly #interrupted = new Map<number, Segment>();

  add(event: SaleEvent): void {
    const current = this.#current.get(event.checkout);
    switch (event.kind) {
      case "waiting":
        return this.#open(event, "waiting", event.buyer, null);
      case "holding":
        this.#end(event, null);
        return this.#open(event, "holding", event.buyer, event.token);
      case "left":
        return this.#end(event, event.outcome);
      case "failed":
        return this.#end(event, "failed");
      case "died":
        this.#end(event, null);
        return this.#open(event, "dead", event.buyer ?? 0, current?.token ?? null);
      case "frozen":
        this.#end(event, null);
        if (current) this.#interrupted.set(event.checkout, current);
        return this.#open(event, "frozen", current?.buyer ?? 0, current?.token ?? null);
      case "thawed": {
        this.#end(event, null);
        // It goes on where it was stopped, unaware that time has passed.
        const before = this.#interrupted.get(event.checkout);
        this.#interrupted.delete(event.checkout);
        if (before) this.#open(event, before.kind, before.buyer, before.token);
      }
    }
  }

  #open({ at, checkout }: SaleEvent, kind: Segment["kind"], buyer: number, token: string | null): void {
    const segment: Segment = { kind, checkout, buyer, token, from: at, to: null, outcome: null };
    this.all.push(segment);
    this.#current.set(checkout, segment);
  }

  #end({ at, checkout }: SaleEvent, outcome: Segment["outcome"]): void {
    const current = this.#current.get(checkout);
    if (!current) return;
    current.to = Math.max(at, current.from);
    current.outcome = outcome;
    this.#current.delete(checkout);
  }
}

/** From `at` on, `inside` checkouts were between reading the stock and writing it. */
export interface Step {
  readonly at: number;
  readonly inside: number;
}

/** How many were inside at once, over time. With locks it is never more than one. */
export function crowding(segments: readonly Segment[], now: number): Step[] {
  const changes = segments
    .filter((segment) => segment.kind === "holding")
    .flatMap(({ from, to }) => [
      { at: from, by: 1 },
      { at: to ?? Math.max(now, from), by: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || a.by - b.by);
  const steps: Step[] = [];
  let inside = 0;
  for (const { at, by } of changes) {
    inside += by;
    steps.push({ at, inside });
  }
  return steps;
}
