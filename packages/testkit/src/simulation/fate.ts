import { chance } from "./seeded-random.ts";
import { TROUBLE_ENDS, type Schedule } from "./schedule.ts";

/** What becomes of a request. */
export type Fate =
  | "arrives"
  /** It does not arrive, and the caller is told of the cut. */
  | "lost"
  /** It does not arrive, and nobody says so. */
  | "swallowed"
  /** It is carried out; its reply does not arrive, and the caller is told of the cut. */
  | "reply lost"
  /** It is carried out, and the caller never hears of it. */
  | "reply swallowed"
  /** The caller is told of a cut, and it arrives all the same, seconds later. */
  | "late"
  /** It takes seconds there, or back. */
  | "slow there"
  | "slow back"
  /** It is carried out twice, and the second is answered. */
  | "twice"
  /** Of the requests that travel together, one is not carried out, and is said to have failed. */
  | "one failed";

const fates: readonly Fate[] = [
  "lost",
  "swallowed",
  "reply lost",
  "reply lost",
  "reply swallowed",
  "late",
  "late",
  "slow there",
  "slow back",
  "twice",
  "one failed",
];

/** One message of a schedule, told apart by who sends it, when, and as which at that moment. */
export interface Message {
  readonly label: string;
  readonly parts: readonly number[];
}

/** Answers what befalls the messages of a schedule. */
export class Fates {
  readonly #schedule: Schedule;
  readonly #calm: ReadonlySet<string>;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#calm = new Set(schedule.calm);
  }

  /** A whole number of milliseconds from 1 to the longest that a message takes; `way` tells one from the other. */
  delay(message: Message, way: number): number {
    const { seed, weather } = this.#schedule;
    return 1 + Math.floor(chance(seed, way, ...message.parts) * weather.latency);
  }

  /** How long a message takes that is late: longer than any engine waits for it, shorter than a tombstone stands. */
  longDelay(message: Message): number {
    const roll = chance(this.#schedule.seed, 13, ...message.parts);
    return 500 + Math.floor(roll * roll * 20_000);
  }

  request(message: Message, now: number): Fate {
    const roll = this.#roll(message, now, this.#schedule.weather.trouble);
    return roll === null ? "arrives" : fates[Math.floor(roll * fates.length)]!;
  }

  push(message: Message, now: number): "arrives" | "lost" | "late" | "twice" {
    const roll = this.#roll(message, now, this.#schedule.weather.pushTrouble);
    if (roll === null) return "arrives";
    return roll < 0.5 ? "lost" : roll < 0.8 ? "late" : "twice";
  }

  /** Any of the requests that travel together. */
  oneOf(message: Message, count: number): number {
    return Math.floor(chance(this.#schedule.seed, 17, ...message.parts) * count);
  }

  #roll(message: Message, now: number, share: number): number | null {
    if (share === 0 || now >= TROUBLE_ENDS || this.#calm.has(message.label)) return null;
    const { seed } = this.#schedule;
    return chance(seed, 5, ...message.parts) < share ? chance(seed, 7, ...message.parts) : null;
  }
}
