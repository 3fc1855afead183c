import type { StoreEvents } from "@lock/core";

/** Passes on what a script told a process: a line for each of its claims, `g` granted or `w` to ask. */
export function tellEvents(events: StoreEvents, message: string): void {
  for (const line of message.split("\n")) {
    const [sort, claimId, ticket, token, remaining] = line.split(" ");
    if (claimId === undefined) continue;
    if (sort === "w") {
      events.wake([claimId]);
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
