import { describeEvent, inOrder, type HistoryEvent } from "./event.ts";
import { findOverlap } from "./overlap.ts";
import { tenuresOf, type Tenure } from "./tenure.ts";
import { findDisorder } from "./token-order.ts";

/** Where a history does not fit a fenced lock. */
export interface Conflict {
  /** Of a claim that makes no sense by itself: its first. */
  readonly key: string;
  /** What is wrong, in one sentence. */
  readonly message: string;
  /** All that was noted of the fewest claims that contradict one another, in order. */
  readonly events: readonly HistoryEvent[];
}

interface Found {
  readonly key: string;
  readonly message: string;
  readonly tenures: readonly Tenure[];
}

/**
 * Decides whether what several processes noted fits a fenced lock with limits: nobody holds a key together with others that it can't be shared
 * with, and of two grants of a key of which one had ended before the other, the later has the greater token. Otherwise shows
 * the smallest part that does not fit. Events may come in any order; takes time in proportion to their number, once they are sorted.
 */
export function findConflict(history: Iterable<HistoryEvent>): Conflict | undefined {
  const tenures = tenuresOf(inOrder(history));
  if ("message" in tenures) return { key: tenures.events[0]?.keys[0] ?? "", ...tenures };
  const byKey = new Map<string, Tenure[]>();
  for (const tenure of tenures) {
    for (const key of tenure.granted.keys) {
      const ofKey = byKey.get(key);
      if (ofKey === undefined) byKey.set(key, [tenure]);
      else ofKey.push(tenure);
    }
  }
  let smallest: Found | undefined;
  for (const [key, ofKey] of byKey) {
    for (const found of [tooMany(key, ofKey), disordered(key, ofKey)]) {
      if (found === undefined) continue;
      if (smallest === undefined || found.tenures.length < smallest.tenures.length) smallest = found;
    }
  }
  if (smallest === undefined) return undefined;
  const { key, message } = smallest;
  // The suspension of a process may have ended several of them.
  const events = inOrder(new Set(smallest.tenures.flatMap((tenure) => tenure.events)));
  return { key, message, events };
}

/** Throws with the story of a conflict, if there is one. */
export function assertHistory(history: Iterable<HistoryEvent>): void {
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

function tooMany(key: string, ofKey: readonly Tenure[]): Found | undefined {
  const tenures = findOverlap(ofKey);
  if (tenures === undefined) return undefined;
  const message = `"${key}" was granted while ${tenures.length - 1} held it that it can't be shared with`;
  return { key, message, tenures };
}

function disordered(key: string, ofKey: readonly Tenure[]): Found | undefined {
  const tenures = findDisorder(ofKey);
  if (tenures === undefined) return undefined;
  const [earlier, later] = tenures.map((tenure) => tenure.granted.token);
  const message =
    earlier === later
      ? `Token ${later} of "${key}" was given twice`
      : `Token ${later} of "${key}" came after token ${earlier}`;
  return { key, message, tenures };
}
