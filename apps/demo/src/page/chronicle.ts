import type { SaleEvent } from "../sale/event.ts";
import { time } from "./wording.ts";

export interface Incident {
  /** Milliseconds since the shop opened. */
  readonly at: number;
  readonly text: string;
}

type Ending = SaleEvent & { kind: "died" | "frozen" };

/** What went wrong during the sale and how it went on, in the order in which it happened. */
export function chronicle(events: readonly SaleEvent[]): Incident[] {
  const incidents: Incident[] = [];
  /** One that meets everybody is told once. */
  const reasons = new Set<string>();
  const tokens = new Map<number, string | null>();
  /** The holder that the others are waiting for, though it does nothing any more. */
  let absent: { event: Ending; token: string } | null = null;
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const who = `Checkout ${event.checkout}`;
    const token = tokens.get(event.checkout);
    switch (event.kind) {
      case "holding":
        tokens.set(event.checkout, event.token);
        if (absent && event.token !== null && event.checkout !== absent.event.checkout) {
          const text = `The lock passed on by itself after ${time(event.at - absent.event.at)}: ${who.toLowerCase()} holds it, token ${event.token}.`;
          incidents.push({ at: event.at, text });
          absent = null;
        }
        break;
      case "left":
        tokens.delete(event.checkout);
        if (event.outcome === "stale") {
          const text = `${who} went on to write under token ${token}. The stock has seen a newer one and refused.`;
          incidents.push({ at: event.at, text });
        }
        break;
      case "failed":
        tokens.delete(event.checkout);
        if (event.code === "LOCK_LOST") {
          incidents.push({ at: event.at, text: `${who} was told that its lock was lost.` });
        } else if (!reasons.has(event.reason))
          incidents.push({ at: event.at, text: `${who}: ${event.reason}` });
        reasons.add(event.reason);
        break;
      case "died":
      case "frozen": {
        const what = event.kind === "died" ? "was killed" : "was frozen";
        const how = token
          ? `holding the lock, token ${token}`
          : token === null
            ? "in the middle of a purchase"
            : "";
        incidents.push({ at: event.at, text: `${who} ${what}${how && ` ${how}`}.` });
        if (token) absent = { event, token };
        break;
      }
      case "thawed":
        incidents.push({ at: event.at, text: `${who} woke up.` });
        if (absent?.event.checkout === event.checkout) absent = null;
        break;
      case "waiting":
    }
  }
  return incidents;
}
