import { expect, test, vi } from "vitest";
import { Pulse } from "../src/pulse.ts";
import type { Rows } from "../src/rows.ts";
import { Transactions } from "../src/transactions.ts";
import { WaitingClaims } from "../src/waiting-claims.ts";
import { claimOf } from "./instance.ts";

const logger = { debug() {}, info() {}, warn() {}, error() {} };

test("two looks in a second for all that wait, one after the other, and none while nobody waits", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  try {
    let answer = (): void => {};
    const look = vi.fn<(keys: readonly string[]) => Promise<void>>(async () => {});
    const rows = { look } as unknown as Rows;
    const [waiting, transactions] = [new WaitingClaims(), new Transactions()];
    const pulse = new Pulse({ rows, sessions: undefined, waiting, transactions, logger });
    pulse.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(look).not.toHaveBeenCalled();
    for (let n = 0; n < 1_000; n += 1) waiting.add(claimOf({ id: `c${n}`, keys: [`k${n % 10}`] }));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(look).toHaveBeenCalledTimes(6);
    expect(look.mock.lastCall?.[0]).toHaveLength(10);
    // A server that is slow is not asked again meanwhile.
    look.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(look).toHaveBeenCalledTimes(7);
    answer();
    look.mockResolvedValue();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(look.mock.calls.length).toBeGreaterThanOrEqual(8);
    pulse.stop();
    look.mockClear();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(look).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});
