import type { Clock } from "@lock/core";

interface Timer {
  readonly at: number;
  readonly ring: () => void;
}

/**
 * A clock that stands still until it is moved, for `defineProvider({ clock })`: hours of waiting pass in a moment, and
 * the same way every time.
 */
export class ManualClock implements Clock {
  #now = 0;
  // By time, and among those of one time in the order in which they were set.
  readonly #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  after(delay: number, ring: () => void): { cancel(): void } {
    const timer: Timer = { at: this.#now + Math.max(0, delay), ring };
    let place = this.#timers.length;
    while (place > 0 && this.#timers[place - 1]!.at > timer.at) place -= 1;
    this.#timers.splice(place, 0, timer);
    return {
      cancel: () => {
        const place = this.#timers.indexOf(timer);
        if (place >= 0) this.#timers.splice(place, 1);
      },
    };
  }

  /** Moves to the next timer, rings it and lets all that follows from it happen. `false`: there is none until then. */
  async step(until: number): Promise<boolean> {
    const next = this.#timers[0];
    if (next === undefined || next.at > until) {
      this.#now = Math.max(this.#now, until);
      return false;
    }
    this.#timers.shift();
    this.#now = Math.max(this.#now, next.at);
    next.ring();
    await settled();
    return true;
  }

  /** Moves to a time, ringing all timers on the way. */
  async run(until: number): Promise<void> {
    await settled();
    while (await this.step(until));
  }

  /** Moves to a time without ringing anything, as for a process that is stopped. */
  jump(to: number): void {
    this.#now = Math.max(this.#now, to);
  }
}

/** Resolves when all promises and ticks that are due have run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
