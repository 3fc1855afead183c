import { assertHistory, findConflict, type HistoryEvent } from "@lock/testkit";
import { expect, test } from "vitest";

type Told = readonly [
  at: number,
  process: string,
  kind: HistoryEvent["kind"],
  token?: number | undefined,
  limit?: number,
  key?: string,
];

function history(...told: readonly Told[]): HistoryEvent[] {
  return told.map(([at, process, kind, token, limit = 1, key = "k"]) => ({
    at: BigInt(at),
    process,
    call: 1,
    kind,
    keys: kind === "suspended" ? [] : [key],
    limit,
    token: token === undefined ? undefined : BigInt(token),
  }));
}

test("one holder after the other is no conflict", () => {
  const events = history(
    [1, "a", "granted", 1],
    [2, "a", "released"],
    [3, "b", "granted", 2],
    [4, "b", "released"],
  );
  expect(findConflict(events)).toBeUndefined();
  expect(() => assertHistory(events)).not.toThrow();
});

test("two exclusive holders at once are a conflict, told by all that is known of both", () => {
  const events = history(
    [1, "a", "granted", 1],
    [3, "a", "released"],
    [2, "b", "granted", 2],
    [4, "b", "released"],
  );
  expect(findConflict(events)).toMatchObject({
    key: "k",
    events: [{ process: "a" }, { process: "b" }, { process: "a" }, { process: "b" }],
  });
  expect(() => assertHistory(events)).toThrow('"k" was granted while 1 held it');
});

test("holders that share are no conflict up to their limit, and one more is", () => {
  const two = history([1, "a", "granted", 1, 2], [2, "b", "granted", 2, 2]);
  expect(findConflict(two)).toBeUndefined();
  expect(findConflict([...two, ...history([3, "c", "granted", 3, 2])])?.events).toHaveLength(3);
  expect(findConflict([...two, ...history([3, "c", "granted", 3, 5])])).toBeDefined();
});

test("holders of different keys never conflict", () => {
  const events = history([1, "a", "granted", 1, 1, "k"], [2, "b", "granted", 1, 1, "l"]);
  expect(findConflict(events)).toBeUndefined();
});

test("a token that is given twice, or that goes down, is a conflict", () => {
  const ended = history([1, "a", "granted", 5], [2, "a", "released"]);
  expect(findConflict([...ended, ...history([3, "b", "granted", 5])])?.message).toContain("given twice");
  expect(findConflict([...ended, ...history([3, "b", "granted", 4])])?.message).toContain(
    "came after token 5",
  );
});

test("tokens of those that share may be noted in any order", () => {
  const events = history([1, "a", "granted", 2, Infinity], [3, "b", "granted", 1, Infinity]);
  expect(findConflict(events)).toBeUndefined();
  // Also by one that heard of its grant only when the other had ended.
  const ended = history([2, "a", "released", 2, Infinity]);
  expect(findConflict([...events, ...ended])).toBeUndefined();
  expect(findConflict([...events, ...ended, ...history([4, "c", "granted", 1])])).toBeDefined();
});

test("a lock that is granted again in place has an old token, also when later ones have been given to others and ended", () => {
  const shared = history(
    [1, "a", "asked", undefined, 3],
    [2, "a", "granted", 5, 3],
    [3, "b", "asked", undefined, 3],
    [4, "b", "granted", 6, 3],
    [5, "b", "released", undefined, 3],
    [6, "c", "asked", undefined, 3],
    [7, "c", "granted", 5, 3],
  ).map((event) => ({ ...event, ownerId: event.process === "b" ? "v" : "u" }));
  expect(findConflict(shared)).toBeUndefined();
  const strange = shared.map((event) => (event.process === "c" ? { ...event, ownerId: "w" } : event));
  expect(findConflict(strange)).toBeDefined();
  const newer = history([8, "d", "asked", undefined, 3], [9, "d", "granted", 4, 3]);
  expect(findConflict([...shared, ...newer])?.message).toContain("Token 4");
});

test("who was told of the loss, or was stopped or killed, holds no longer", () => {
  const next = history([3, "b", "granted", 2], [4, "b", "released"]);
  expect(findConflict([...history([1, "a", "granted", 1], [2, "a", "lost"]), ...next])).toBeUndefined();
  expect(findConflict([...history([1, "a", "granted", 1], [2, "a", "suspended"]), ...next])).toBeUndefined();
  expect(findConflict([...history([1, "a", "granted", 1], [2, "c", "suspended"]), ...next])).toBeDefined();
});
