import { findConflict, type HistoryEvent } from "@lock/testkit";
import { seededRandom } from "@lock/testkit/simulation";
import { expect, test } from "vitest";

interface Held {
  readonly claim: Pick<HistoryEvent, "process" | "call" | "keys" | "limit">;
  readonly token: bigint;
}

/** What processes note that use a lock which keeps all its promises. */
function validHistory(seed: number, steps: number): HistoryEvent[] {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const events: HistoryEvent[] = [];
  const asked: Held["claim"][] = [];
  let held: Held[] = [];
  let token = 0n;
  for (let at = 1n, call = 1; at <= BigInt(steps); at += 1n, call += 1) {
    const note = (kind: HistoryEvent["kind"], claim: Held["claim"], token?: bigint): void =>
      void events.push({ at, kind, ...claim, ...(token !== undefined && { token }) });
    const turn = random();
    if (turn < 0.4) {
      const keys = [["a"], ["b"], ["a", "b"], ["c"]][below(4)]!;
      const claim = { process: `p${below(3)}`, call, keys, limit: [1, 1, 2, 3, Infinity][below(5)]! };
      asked.push(claim);
      note("asked", claim);
    } else if (turn < 0.5 && asked.length > 0) {
      note("refused", asked.splice(below(asked.length), 1)[0]!);
    } else if (turn < 0.75) {
      const next = asked.findIndex(({ keys, limit }) =>
        keys.every((key) => {
          const holders = held.filter((each) => each.claim.keys.includes(key));
          return holders.length < limit && holders.every((each) => each.claim.limit === limit);
        }),
      );
      if (next < 0) continue;
      const [claim] = asked.splice(next, 1);
      token += BigInt(1 + below(3));
      held.push({ claim: claim!, token });
      note("granted", claim!, token);
    } else if (held.length > 0 && turn < 0.98) {
      const [ended] = held.splice(below(held.length), 1);
      note(random() < 0.9 ? "released" : "lost", ended!.claim);
    } else if (held.length > 0) {
      const { process } = held[0]!.claim;
      note("suspended", { process, call: 0, keys: [], limit: 1 });
      held = held.filter((each) => each.claim.process !== process);
    }
  }
  return events;
}

const isGrant = ({ kind }: HistoryEvent): boolean => kind === "granted";
const isOf = (one: HistoryEvent, other: HistoryEvent): boolean =>
  one.process === other.process && one.call === other.call;

function endOf(history: readonly HistoryEvent[], granted: HistoryEvent): HistoryEvent | undefined {
  return history.find(
    (event) =>
      event.at > granted.at &&
      event.process === granted.process &&
      (event.kind === "suspended" || (event.kind !== "granted" && isOf(event, granted))),
  );
}

/** Two grants of one key, the first of which had ended before the other was asked for. */
function successors(history: readonly HistoryEvent[]): [HistoryEvent, HistoryEvent][] {
  return history.filter(isGrant).flatMap((earlier) => {
    const end = endOf(history, earlier);
    const later = history.find((event) => {
      const asked = history.find((each) => each.kind === "asked" && isOf(each, event));
      const isLater = end !== undefined && asked !== undefined && asked.at > end.at;
      return isGrant(event) && isLater && event.keys.some((key) => earlier.keys.includes(key));
    });
    return later === undefined ? [] : [[earlier, later] satisfies [HistoryEvent, HistoryEvent]];
  });
}

type Spoil = (history: readonly HistoryEvent[]) => readonly HistoryEvent[] | undefined;

function change(
  history: readonly HistoryEvent[],
  event: HistoryEvent,
  to: Partial<HistoryEvent>,
): HistoryEvent[] {
  return history.map((each) => (each === event ? { ...each, ...to } : each));
}

const spoils: Record<string, Spoil> = {
  "a holder that went on after its end": (history) => {
    const [pair] = successors(history).filter(
      ([one, other]) =>
        (one.limit === 1 || one.limit !== other.limit) &&
        !history.some((event) => event.kind === "suspended" && event.process === one.process),
    );
    return pair && change(history, endOf(history, pair[0])!, { at: pair[1].at + 1n });
  },
  "a token that went down": (history) => {
    const [pair] = successors(history);
    return pair && change(history, pair[1], { token: pair[0].token! - 1n });
  },
  "a token that was given twice": (history) => {
    const [pair] = successors(history);
    return pair && change(history, pair[1], { token: pair[0].token });
  },
  "a stranger among those who share": (history) => {
    const sharer = history.find((event) => isGrant(event) && event.limit > 1);
    if (sharer === undefined) return undefined;
    const stranger = { ...sharer, process: "stranger", limit: 1, token: 1_000_000n };
    return [...history, stranger];
  },
  "a call that was granted twice": (history) => {
    const granted = history.find(isGrant);
    return granted && [...history, { ...granted, at: granted.at + 1n }];
  },
};

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

test("what processes note of a lock that keeps its promises is no conflict", () => {
  for (const seed of seeds) expect(findConflict(validHistory(seed, 120)), `seed ${seed}`).toBeUndefined();
});

for (const [what, spoil] of Object.entries(spoils)) {
  test(`${what} is found, and shown with nothing that is not needed`, () => {
    let spoilt = 0;
    for (const seed of seeds) {
      const history = spoil(validHistory(seed, 120));
      if (history === undefined) continue;
      spoilt += 1;
      const part = findConflict(history)?.events;
      expect(part, `seed ${seed}`).toBeDefined();
      expect(findConflict(part!), `seed ${seed}: the part by itself`).toBeDefined();
      const claims = part!.filter(isGrant);
      for (const claim of claims.length > 1 ? claims : []) {
        const rest = part!.filter((event) => event.kind === "suspended" || !isOf(event, claim));
        expect(findConflict(rest), `seed ${seed}: without call ${claim.call}`).toBeUndefined();
      }
    }
    expect(spoilt).toBeGreaterThan(100);
  });
}

test("one permit too many is shown by all who hold, and by nobody else", () => {
  const holders: HistoryEvent[] = [1, 2, 3, 4].map((call) => ({
    at: BigInt(call),
    process: "p",
    call,
    kind: "granted",
    keys: ["k"],
    limit: 3,
    token: BigInt(call),
  }));
  expect(findConflict(holders.slice(0, 3))).toBeUndefined();
  const early: HistoryEvent = { ...holders[0]!, at: 0n, call: 9, token: 0n };
  const history = [early, { ...early, at: 1n, kind: "released" as const }, ...holders];
  expect(findConflict(history)?.events).toEqual(holders);
});

test("an owner that is granted again in place has one grant, with one token, until it is released or lost by all", () => {
  const handle = (at: bigint, call: number, kind: HistoryEvent["kind"]): HistoryEvent => {
    const granted = kind === "granted" ? { token: 7n, ownerId: "u" } : {};
    return { at, process: "p", call, kind, keys: ["k"], limit: 1, ...granted };
  };
  const twice = [handle(1n, 1, "granted"), handle(2n, 2, "granted")];
  const next: HistoryEvent = { ...handle(9n, 3, "granted"), token: 8n, ownerId: "v" };
  expect(findConflict(twice)).toBeUndefined();
  expect(findConflict([...twice, next])).toBeDefined();
  expect(findConflict([...twice, handle(3n, 1, "released"), next])).toBeUndefined();
  expect(findConflict([...twice, handle(3n, 1, "lost"), next])).toBeDefined();
  expect(findConflict([...twice, handle(3n, 1, "lost"), handle(4n, 2, "lost"), next])).toBeUndefined();
});

test("a hundred thousand events take a moment", () => {
  const history = Array.from({ length: 50_000 }, (_, index): HistoryEvent[] => {
    const claim = { process: `p${index % 4}`, call: index, keys: ["k"], limit: 1 };
    return [
      { ...claim, at: BigInt(2 * index), kind: "granted", token: BigInt(index) },
      { ...claim, at: BigInt(2 * index + 1), kind: "released" },
    ];
  }).flat();
  const sharing = history.map((event) => ({
    ...event,
    keys: ["shared"],
    limit: Infinity,
    at: event.at / 7n,
  }));
  const start = performance.now();
  expect(findConflict(history)).toBeUndefined();
  expect(findConflict(sharing)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(10_000);
});
