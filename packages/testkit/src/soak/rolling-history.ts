import { assertHistory } from "../history/check.ts";
import type { HistoryEvent } from "../history/event.ts";

/** A history that is checked piece by piece, and keeps only what later pieces can contradict. */
export class RollingHistory {
  readonly violations: string[] = [];
  grants = 0;
  losses = 0;
  /** Milliseconds between asking and being granted. */
  longestWait = 0;
  #events: HistoryEvent[] = [];
  readonly #asked = new Map<string, bigint>();

  /** Takes in what happened up to `until`, of every process; what happened later waits for the next piece. */
  add(events: readonly HistoryEvent[], until: bigint): void {
    for (const event of events) this.#count(event);
    const all = [...this.#events, ...events].sort((one, other) => Number(one.at - other.at));
    const whole = all.filter((event) => event.at <= until);
    const later = all.filter((event) => event.at > until);
    try {
      assertHistory(whole);
      this.#events = [...stillOpen(whole), ...later];
    } catch (error) {
      this.violations.push(error instanceof Error ? error.message : String(error));
      // What contradicted itself once would do so in every later piece.
      this.#events = later;
    }
  }

  #count({ kind, call, process, at }: HistoryEvent): void {
    const claim = `${call}@${process}`;
    if (kind === "asked") this.#asked.set(claim, at);
    else if (kind === "granted") {
      this.grants++;
      this.longestWait = Math.max(this.longestWait, Number(at - (this.#asked.get(claim) ?? at)) / 1e6);
      this.#asked.delete(claim);
    } else if (kind === "refused") this.#asked.delete(claim);
    else if (kind === "lost") this.losses++;
  }
}

/** What has been asked for and what is held still, and of each key the greatest token of what has ended. */
function stillOpen(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const asked = new Map<string, HistoryEvent>();
  const held = new Map<string, HistoryEvent>();
  const ended = new Map<string, readonly HistoryEvent[]>();
  const end = (granted: HistoryEvent, event: HistoryEvent): void => {
    const claim = claimOf(granted);
    const story = [asked.get(claim) ?? granted, granted, event];
    held.delete(claim);
    asked.delete(claim);
    for (const key of granted.keys) {
      const greatest = ended.get(key)?.[1]?.token ?? -1n;
      if (granted.token !== undefined && granted.token > greatest) ended.set(key, story);
    }
  };
  for (const event of events) {
    const claim = claimOf(event);
    const granted = held.get(claim);
    if (event.kind === "asked") asked.set(claim, event);
    else if (event.kind === "granted") held.set(claim, event);
    else if (event.kind === "suspended") {
      for (const one of [...held.values()]) if (one.process === event.process) end(one, event);
    } else if (granted === undefined) asked.delete(claim);
    else end(granted, event);
  }
  return [...new Set([...asked.values(), ...held.values(), ...[...ended.values()].flat()])];
}

function claimOf({ call, process }: HistoryEvent): string {
  return `${call}@${process}`;
}
