import { describeEvent, type HistoryEvent } from "./event.ts";

/** The first place where a history does not fit a fenced lock. */
export interface Conflict {
  readonly key: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** The events that contradict one another, in order. */
  readonly events: readonly HistoryEvent[];
}

/** A claim's time as a holder. */
interface Tenure {
  readonly granted: HistoryEvent;
  end: HistoryEvent | undefined;
}

/**
 * Looks for holders of one key that may not hold it together, and for tokens that do not increase. Events may come in
 * any order; they are sorted by time. A claim holds from `granted` to the first of `released`, `lost` and the
 * suspension of its process, which is within the time that it truly held: what overlaps here overlapped.
 */
export function findConflict(history: readonly HistoryEvent[]): Conflict | undefined {
  const tenures = tenuresByKey([...history].sort((one, other) => Number(one.at - other.at)));
  for (const [key, ofKey] of tenures) {
    const conflict = incompatible(key, ofKey) ?? disordered(key, ofKey);
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}

/** Throws with the story of the first conflict. */
export function assertHistory(history: readonly HistoryEvent[]): void {
  const conflict = findConflict(history);
  if (conflict === undefined) return;
  const { message, events } = conflict;
  const start = events[0]?.at ?? 0n;
  const lines = events.map((event) => {
    const at = Number(event.at - start) / 1e6;
    return `${at.toFixed(3).padStart(10)} ms  ${event.process}: ${describeEvent(event)}`;
  });
  throw new Error(`${message}\n${lines.join("\n")}`);
}

function tenuresByKey(history: readonly HistoryEvent[]): Map<string, Tenure[]> {
  const tenures = new Map<string, Tenure[]>();
  const open = new Map<string, Tenure>();
  for (const event of history) {
    const claim = `${event.call}@${event.process}`;
    if (event.kind === "granted") {
      const tenure: Tenure = { granted: event, end: undefined };
      open.set(claim, tenure);
      for (const key of event.keys) tenures.set(key, [...(tenures.get(key) ?? []), tenure]);
    } else if (event.kind === "suspended") {
      for (const tenure of open.values()) {
        if (tenure.granted.process === event.process) tenure.end ??= event;
      }
    } else if (event.kind !== "asked") {
      const tenure = open.get(claim);
      if (tenure !== undefined) tenure.end ??= event;
      open.delete(claim);
    }
  }
  return tenures;
}

function incompatible(key: string, tenures: readonly Tenure[]): Conflict | undefined {
  let holding: Tenure[] = [];
  for (const tenure of tenures) {
    const { granted } = tenure;
    holding = holding.filter((other) => other.end === undefined || other.end.at > granted.at);
    const stranger = holding.find((other) => other.granted.limit !== granted.limit);
    if (stranger !== undefined || holding.length >= granted.limit) {
      const others = stranger === undefined ? holding : [stranger];
      return {
        key,
        message: `"${key}" was granted while ${others.length} held it that it can't be shared with`,
        events: [...others.map((other) => other.granted), granted],
      };
    }
    holding.push(tenure);
  }
  return undefined;
}

function disordered(key: string, tenures: readonly Tenure[]): Conflict | undefined {
  const byEnd = tenures
    .filter((tenure) => tenure.end !== undefined && tenure.granted.token !== undefined)
    .sort((one, other) => Number(one.end!.at - other.end!.at));
  const seen = new Map<bigint, Tenure>();
  // By limit: those that may hold it together are granted in an order that nobody can see.
  const highest = new Map<number, Tenure>();
  let next = 0;
  for (const tenure of tenures) {
    const { token, at } = tenure.granted;
    if (token === undefined) continue;
    const twin = seen.get(token);
    if (twin !== undefined) {
      return {
        key,
        message: `Token ${token} of "${key}" was given twice`,
        events: [twin.granted, tenure.granted],
      };
    }
    seen.set(token, tenure);
    // Only what had ended certainly came earlier: grants of those that share are noted in any order.
    for (let ended = byEnd[next]; ended !== undefined && ended.end!.at < at; ended = byEnd[++next]) {
      const { limit } = ended.granted;
      const before = highest.get(limit);
      if (before === undefined || ended.granted.token! > before.granted.token!) highest.set(limit, ended);
    }
    for (const [limit, ended] of highest) {
      if (limit === tenure.granted.limit && limit > 1) continue;
      if (token >= ended.granted.token!) continue;
      return {
        key,
        message: `Token ${token} of "${key}" came after token ${ended.granted.token}`,
        events: [ended.granted, ended.end!, tenure.granted],
      };
    }
  }
  return undefined;
}
