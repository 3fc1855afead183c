import type { HistoryEvent } from "./event.ts";

/** A claim's time as a holder: within the time that it truly held, so that what overlaps here overlapped there. */
export interface Tenure {
  readonly granted: HistoryEvent;
  /** Where it was noted: before the backend can have granted it. */
  readonly asked: HistoryEvent | undefined;
  /** The first of `released`, `lost` and the suspension of its process; `undefined`: it holds to the end. */
  readonly ended: HistoryEvent | undefined;
  /** All that was noted of the claim. */
  readonly events: readonly HistoryEvent[];
}

interface Claim {
  readonly events: HistoryEvent[];
  asked: HistoryEvent | undefined;
  granted: HistoryEvent | undefined;
  ended: HistoryEvent | undefined;
}

/** A claim whose own events contradict one another. */
export interface Absurdity {
  readonly message: string;
  readonly events: readonly HistoryEvent[];
}

/** The tenures of a history that is in order, by when they began; or the first claim that makes no sense. */
export function tenuresOf(history: readonly HistoryEvent[]): readonly Tenure[] | Absurdity {
  const claims = new Map<string, Claim>();
  const granted: Claim[] = [];
  // Those of each process that act as holders.
  const acting = new Map<string, Set<Claim>>();
  for (const event of history) {
    if (event.kind === "suspended") {
      for (const claim of acting.get(event.process) ?? []) end(claim, event);
      acting.delete(event.process);
      continue;
    }
    const name = `${event.call}@${event.process}`;
    let claim = claims.get(name);
    if (claim === undefined) {
      claim = { events: [], asked: undefined, granted: undefined, ended: undefined };
      claims.set(name, claim);
    }
    const message = absurdity(claim, event);
    claim.events.push(event);
    if (message !== undefined) return { message: `Call ${name} ${message}`, events: claim.events };
    switch (event.kind) {
      case "asked":
        claim.asked = event;
        break;
      case "granted": {
        claim.granted = event;
        granted.push(claim);
        const ofProcess = acting.get(event.process);
        if (ofProcess === undefined) acting.set(event.process, new Set([claim]));
        else ofProcess.add(claim);
        break;
      }
      case "released":
      case "lost":
        claim.ended ??= event;
        acting.get(event.process)?.delete(claim);
        break;
      case "refused":
        claim.ended = event;
    }
  }
  return granted.map(({ events, asked, granted, ended }) => ({ granted: granted!, asked, ended, events }));
}

function end(claim: Claim, suspended: HistoryEvent): void {
  claim.ended ??= suspended;
  claim.events.push(suspended);
}

function absurdity({ asked, granted, ended }: Claim, { kind }: HistoryEvent): string | undefined {
  switch (kind) {
    case "asked":
      return asked !== undefined || granted !== undefined ? "was asked for late, or twice" : undefined;
    case "granted":
      if (granted !== undefined) return "was granted twice";
      return ended !== undefined ? "was granted after it was refused" : undefined;
    case "refused":
      return granted !== undefined ? "was refused after it was granted" : undefined;
    // Where only a part of a history is looked at, its beginning may lie before.
    case "released":
    case "lost":
    case "suspended":
      return undefined;
  }
}
