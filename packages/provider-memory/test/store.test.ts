import type { Claim, Handover, TakeReply } from "@lock/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryStore } from "../src/store.ts";

let store: MemoryStore;
let handovers: Handover[];
let woken: string[];
let ids = 0;

beforeEach(() => {
  vi.useFakeTimers();
  // No clock begins at 0.
  vi.advanceTimersByTime(1_000);
  store = new MemoryStore();
  [handovers, woken] = [[], []];
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const events = {
    granted: (handover: Handover) => void handovers.push(handover),
    wake: (claims: Iterable<string>) => void woken.push(...claims),
    wakeAll() {},
    lost() {},
    lostAll() {},
  };
  store.connect({ id: "test", logger, events });
});
afterEach(() => {
  store.close();
  vi.useRealTimers();
});

function claimOf(claim: Partial<Claim>): Claim {
  return {
    id: `claim ${(ids += 1)}`,
    keys: ["a"],
    ownerId: null,
    kind: "acquire",
    limit: 1,
    lease: Infinity,
    keepLease: false,
    wait: true,
    ...claim,
  };
}

function take(claim: Claim): TakeReply {
  return store.take([claim])[0]!;
}

function free(claim: Claim): void {
  store.release([{ by: "grant", grantId: claim.id, keys: claim.keys, tombstone: false }]);
}

function withdraw({ id, keys }: Claim): boolean {
  const [reply] = store.release([{ by: "claim", claimId: id, keys, tombstone: false }]);
  return reply?.status === "released" && reply.freed;
}

function handedTo(): string[] {
  return handovers.map(({ claimId }) => claimId);
}

const u = { ownerId: "u" } as const;

describe("a claim", () => {
  test("is answered in its turn, of several in one call", () => {
    const claims = [claimOf({}), claimOf({ wait: false, keys: ["b", "a"] }), claimOf({ keys: ["c"] })];
    expect(store.take(claims).map(({ status }) => status)).toEqual(["granted", "busy", "granted"]);
  });

  test("that is refused is told whose the key is", () => {
    take(claimOf(u));
    expect(take(claimOf({ wait: false }))).toEqual({ status: "busy", ownerId: "u", freeIn: Infinity });
  });

  test("of a job needs no lease, waited for or not", () => {
    const job = claimOf({ keys: ["a", "b"], kind: "execute", lease: 1_000 });
    expect(take(job)).toMatchObject({ status: "granted", remaining: Infinity });
  });

  test("that waits and is withdrawn has freed its place", () => {
    take(claimOf({}));
    const waiting = claimOf({});
    take(waiting);
    expect([withdraw(waiting), withdraw(waiting)]).toEqual([true, false]);
  });

  test("that is asked for again lasts as long as the first of its keys", () => {
    for (const longer of ["a", "b"]) {
      const both = claimOf({ ...u, keys: ["a", "b"], lease: 10_000 });
      take(both);
      expect(take(claimOf({ ...u, keys: [longer], lease: 60_000 }))).toMatchObject({ grantId: both.id });
      expect(take(both)).toMatchObject({ grantId: both.id, remaining: 10_000 });
      const again = claimOf({ ...u, keys: ["a", "b"], keepLease: true });
      expect(take(again)).toMatchObject({ grantId: both.id, remaining: 10_000 });
      free(both);
    }
  });
});

describe("hands over", () => {
  test("once and for good", () => {
    const [held, next] = [claimOf({}), claimOf({ lease: 5_000 })];
    for (const claim of [held, next]) take(claim);
    free(held);
    expect(handovers).toEqual([
      { claimId: next.id, ticket: 1, grantId: next.id, token: 2, remaining: 5_000, provisional: false },
    ]);
  });

  test("behind one whose owner has the key and waits for another", () => {
    const two = { limit: 2 } as const;
    const [mine, theirs] = [claimOf({ ...two, ...u }), claimOf(two)];
    const behind = claimOf(two);
    const other = claimOf({ keys: ["b"] });
    for (const claim of [mine, theirs, other, claimOf({ ...two, ...u, keys: ["a", "b"] }), behind])
      take(claim);
    free(theirs);
    expect(handedTo()).toEqual([behind.id]);
  });

  test("what a waiter that finds its turn by itself leaves to share", () => {
    const shared = { limit: Infinity } as const;
    take(claimOf({ lease: 50 }));
    const [many, behind] = [claimOf({ ...shared, keys: ["a", "b"] }), claimOf({ ...shared, keys: ["b"] })];
    for (const claim of [many, behind]) expect(take(claim)).toMatchObject({ status: "queued" });
    vi.advanceTimersByTime(60);
    expect(take(many)).toMatchObject({ status: "granted" });
    expect(handedTo()).toEqual([behind.id]);
  });

  test("to the first when another waiter comes upon a lease that has ended", () => {
    take(claimOf({ lease: 50 }));
    const [first, second] = [claimOf({}), claimOf({})];
    for (const claim of [first, second]) take(claim);
    vi.advanceTimersByTime(60);
    expect(take(second)).toMatchObject({ status: "queued" });
    expect(handedTo()).toEqual([first.id]);
  });

  test("also a lease that ended with nobody asking for it", () => {
    take(claimOf({ lease: 50 }));
    const waiting = claimOf({});
    take(waiting);
    vi.advanceTimersByTime(30_000);
    expect(handedTo()).toEqual([waiting.id]);
  });
});

describe("the first that waits is told to look", () => {
  test("when what is held without end is renewed for a short while", async () => {
    const [held, waiting] = [claimOf({}), claimOf({})];
    for (const claim of [held, waiting]) take(claim);
    store.renew([{ grantId: held.id, keys: ["a"], lease: 500 }]);
    await Promise.resolve();
    expect(woken).toEqual([waiting.id]);
  });

  test("when a withdrawn claim gives back what ends soon", async () => {
    const [short, both] = [claimOf({ ...u, lease: 1_000 }), claimOf({ ...u, keys: ["a", "b"] })];
    const waiting = claimOf({});
    for (const claim of [short, both, waiting]) take(claim);
    withdraw(both);
    await Promise.resolve();
    expect(woken).toEqual([waiting.id]);
  });
});

test("a grant that nobody has, released, takes nothing from what a withdrawn claim gives back", () => {
  const [first, both] = [claimOf(u), claimOf({ ...u, keys: ["a", "b"] })];
  for (const claim of [first, both]) take(claim);
  free(claimOf({}));
  withdraw(both);
  expect(store.inspect(["a", "b"]).map(({ holders }) => holders.length)).toEqual([1, 0]);
});

test("leaves no timer when it is closed", () => {
  take(claimOf({ lease: 50 }));
  expect(vi.getTimerCount()).toBe(1);
  store.close();
  expect(vi.getTimerCount()).toBe(0);
});
