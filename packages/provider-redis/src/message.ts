import type { StoreEvents } from "@lock/core";
import type { HandOffEvents } from "./hand-off/hand-off.ts";

/** What a process hears of the server. */
export type Heard = StoreEvents & HandOffEvents;

/**
 * Passes on what a script told a process: a line for each of its claims, `g` granted or `w` to ask; `f`: others wait for what it holds;
 * `a`: all is free that was granted up to a token.
 */
export function tellEvents(events: Heard, message: string): void {
  for (const line of message.split("\n")) {
    const [sort, claimId, ticket, token, remaining] = line.split(" ");
    if (claimId === undefined) continue;
    if (sort === "w") {
      events.wake([claimId]);
    } else if (sort === "f") {
      events.awaited(claimId);
    } else if (sort === "a") {
      events.freed(Number(claimId));
    } else if (sort === "g") {
      events.granted({
        claimId,
        ticket: Number(ticket),
        token: Number(token),
        remaining: Number(remaining),
        provisional: true,
      });
    }
  }
}
