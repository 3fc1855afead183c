import type { Clock } from "../../src/engine/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly ring: () => void;
  readonly keepAlive: boolean;
}

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** How many of them would keep the process up. */
  get keepingUp(): number {
    return [...this.#timers].filter(({ keepAlive }) => keepAlive).length;
  }

  after(delay: number, ring: () => void, keepAlive: boolean): { cancel(): void } {
    this.#order += 1;
    const timer: Timer = { at: this.#now + delay, order: this.#order, ring, keepAlive };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Moves to the next timer, rings it and lets everything that follows from it happen. `false`: there is none before `until`. */
  async step(until: number): Promise<boolean> {
    await settled();
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
        next = timer;
    }
    if (next === undefined || next.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#now = Math.max(this.#now, next.at);
    this.#timers.delete(next);
    next.ring();
    await settled();
    return true;
  }

  /** Moves on without ringing anything, as a process does that was stopped. */
  jump(until: number): void {
    this.#now = until;
  }

  async run(until: number): Promise<void> {
    while (await this.step(until));
  }
}

/** Resolves when all promises and ticks that are due have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
