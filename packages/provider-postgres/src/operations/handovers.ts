import type { Handover, StoreEvents } from "@lock/core";
import type { Row } from "./request.ts";

/** What became of other waiters while a request was served. */
export interface Handovers {
  readonly granted: readonly Handover[];
  /** Claims that have to ask for themselves. */
  readonly wake: readonly string[];
}

/** Rows of outcome, claim, token, ticket, milliseconds. */
export function readHandovers(rows: readonly Row[]): Handovers {
  const granted: Handover[] = [];
  const wake: string[] = [];
  for (const [outcome, id, fence, place, ms] of rows) {
    if (outcome === "granted")
      granted.push(handover(id as string, place as string, fence as string, Number(ms)));
    else wake.push(id as string);
  }
  return { granted, wake };
}

/** The payload of a notification, as `locking_advance` writes it; nothing for what it did not write. */
export function readNotification(payload: string): Handovers {
  const { granted, wake, ticket, token, ms } = JSON.parse(payload) as {
    granted?: string;
    wake?: string;
    ticket: number;
    token: string;
    ms: number;
  };
  return {
    granted: granted === undefined ? [] : [handover(granted, ticket, token, ms)],
    wake: wake === undefined ? [] : [wake],
  };
}

function handover(claimId: string, ticket: string | number, token: string, remaining: number): Handover {
  return { claimId, ticket: Number(ticket), token: BigInt(token), remaining, provisional: true };
}

export function tell(events: StoreEvents, { granted, wake }: Handovers): void {
  for (const each of granted) events.granted(each);
  if (wake.length > 0) events.wake(wake);
}
