import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until there is an answer, and rejects after so many milliseconds, saying what did not happen. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  { within = 30_000, every = 50 }: { within?: number; every?: number } = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`Not within ${within / 1000} s: ${what}`);
    await pause(every);
  }
}
