import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until the answer is not `false`, and rejects after so many milliseconds, saying what did not happen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false>,
  { within = 30_000, every = 50 }: { within?: number; every?: number } = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Not within ${within / 1000} s: ${what}`);
    await pause(every);
  }
}
