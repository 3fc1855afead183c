import type { Locking } from "@lock/core";
import { setTimeout as pause } from "node:timers/promises";

/** How many claims are under way at once. */
const together = 250;

/** Milliseconds, in which the backend has answered: what ends unanswered may rightly leave a tombstone. */
const held = 250;
const patience = 150;

/**
 * Asks `times` times for a key that is held, in all the ways in which that can end: refused, timed out, aborted, granted after a
 * wait. Nobody holds or waits for anything when it resolves.
 */
export async function contend(
  locking: Locking,
  times: number,
  keyOf: (turn: number) => string,
): Promise<void> {
  for (let first = 0; first < times; first += together) {
    const turns = Array.from({ length: Math.min(together, times - first) }, (_, index) => first + index);
    const keys = [...new Set(turns.map(keyOf))];
    const lock = await locking.acquire(keys, { ownerId: "holder" });
    const calls = turns.map(async (turn) => {
      await ask(locking, keyOf(turn), turn).catch(() => {});
    });
    await pause(held);
    await lock.release();
    await Promise.all(calls);
  }
}

async function ask(locking: Locking, key: string, turn: number): Promise<void> {
  const ownerId = `owner ${turn}`;
  switch (turn % 5) {
    case 0:
      await (await locking.acquire(key, { ownerId })).release();
      return;
    case 1:
      await locking.execute(key, () => {}, { timeout: `${patience}ms` });
      return;
    case 2:
      await locking.execute(key, () => {}, { timeout: "60s", signal: AbortSignal.timeout(patience) });
      return;
    case 3:
      await locking.execute(key, () => {}, { timeout: "60s" });
      return;
    default: {
      const lock = await locking.acquire(key, { ownerId, expire: "20s", awaitQueue: true, timeout: "60s" });
      await lock.release();
    }
  }
}
