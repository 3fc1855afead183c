import { CHECK_INTERVAL, type Claim } from "@lock/core";
import type { Instance } from "./instance.ts";

/** Who is inside, by the tests' own book, and every token that a key has seen. */
export class Book {
  readonly inside: Map<string, number> = new Map<string, number>();
  readonly tokens: Map<string, bigint> = new Map<string, bigint>();
  violations = 0;

  enter(keys: readonly string[], limit: number, token: bigint): void {
    for (const key of keys) {
      const count = (this.inside.get(key) ?? 0) + 1;
      this.inside.set(key, count);
      if (count > limit) this.violations += 1;
      if (limit === 1 && token <= (this.tokens.get(key) ?? 0n)) this.violations += 1;
      this.tokens.set(key, token);
    }
  }

  leave(keys: readonly string[]): void {
    for (const key of keys) this.inside.set(key, (this.inside.get(key) as number) - 1);
  }
}

/** Resolves when the claim is told to ask, or has heard nothing for as long as an engine waits. */
async function askAgain(at: Instance, claimId: string): Promise<undefined> {
  const until = performance.now() + CHECK_INTERVAL;
  while (performance.now() < until) {
    if (at.handovers.some((each) => each.claimId === claimId)) return;
    const index = at.woken.indexOf(claimId);
    if (index >= 0) return void at.woken.splice(index, 1);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Waits as an engine does: by hand-over, and by asking again where that is late. */
export async function obtain(at: Instance, claim: Claim): Promise<{ token: bigint; asked: number }> {
  for (let asked = 1; ; asked += 1) {
    const reply = await at.take(claim);
    if (reply.status === "granted") return { token: reply.token as bigint, asked };
    if (reply.status !== "queued") throw new Error(`answered ${JSON.stringify(reply)}`);
    const handed = await Promise.race([at.handedTo(claim.id), askAgain(at, claim.id)]);
    if (handed !== undefined) return { token: handed.token as bigint, asked };
  }
}

export function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ item }) => item);
}
