/** A small generator of numbers from 0 up to 1, the same ones for the same seed (mulberry32, T. Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return scrambled(state);
  };
}

/**
 * A number from 0 up to 1 that depends on the parts alone, not on how many were drawn before: so that what befalls one
 * message stays as it is when other calls are taken out of a schedule.
 */
export function chance(seed: number, ...parts: readonly number[]): number {
  let state = seed | 0;
  for (const part of parts) {
    const whole = Math.floor(part);
    state = Math.imul(state ^ whole ^ Math.floor((part - whole) * 2 ** 31), 0x9e3779b1);
    state ^= state >>> 16;
  }
  return scrambled(state);
}

function scrambled(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** One of them. */
export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}
