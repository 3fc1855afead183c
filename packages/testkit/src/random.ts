/** Chance that can be repeated: the same seed gives the same choices, in the same order. */
export interface Random {
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T;
  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** What is random in one part of a run must not depend on how much another part has drawn: give each a name of its own. */
export function seededRandom(seed: number, name = ""): Random {
  let state = hash(`${seed} ${name}`);
  // mulberry32, by Tommy Ettinger: 32 bits of state are plenty for choices that a person is to repeat.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    shuffled: (items) => {
      const left = [...items];
      return items.map(() => left.splice(below(left.length), 1)[0]!);
    },
  };
}

/** The seed that was asked for, by the caller or else in `LOCK_TESTKIT_SEED`, or one that nobody chose. */
export function chooseSeed(wanted?: number): number {
  const given = wanted ?? process.env["LOCK_TESTKIT_SEED"] ?? "";
  if (given === "") return Math.floor(Math.random() * 1_000_000_000);
  const seed = Number(given);
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new TypeError(`A seed is a whole number, not "${given}"`);
  return seed;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value;
}
