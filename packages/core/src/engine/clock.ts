/** Time as the engine sees it: monotonic milliseconds and one-shot timers. Tests bring their own. */
export interface Clock {
  /** Milliseconds; never steps back, whatever happens to the wall clock. */
  now(): number;
  /** Calls `ring` once after `delay` milliseconds. `keepAlive`: whether the process stays up for it. */
  after(delay: number, ring: () => void, keepAlive: boolean): { cancel(): void };
}

// A longer delay overflows Node's timers, which then fire at once.
const longestDelay = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delay, ring, keepAlive) {
    // Rounded up: a timer that rings a fraction early would find nothing due and be set again.
    const timer = setTimeout(ring, Math.min(Math.ceil(delay), longestDelay));
    if (!keepAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
