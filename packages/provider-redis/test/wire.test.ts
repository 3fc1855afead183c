import type { Claim } from "@lock/core";
import { describe, expect, it } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";
import { decodeInspect } from "../src/operations/inspect.ts";
import { decodeReleaseAll, encodeReleaseAll, START } from "../src/operations/release-all.ts";
import { decodeRelease, encodeRelease } from "../src/operations/release.ts";
import { decodeRenew, encodeRenew } from "../src/operations/renew.ts";
import { decodeSpan, encodeLease, encodeLimit } from "../src/operations/span.ts";
import { decodeTake, encodeTake } from "../src/operations/take.ts";
import { claimOf } from "./instance.ts";

const layout = new KeyLayout("n:");

describe("leases and limits on the wire", () => {
  it("are whole milliseconds, at least one, and -1 without end", () => {
    expect([0.2, 1, 1.5, 30_000, Infinity, 1e300].map(encodeLease)).toEqual([1, 1, 2, 30_000, -1, -1]);
    expect([decodeSpan(5), decodeSpan("5"), decodeSpan(-1)]).toEqual([5, 5, Infinity]);
    expect([encodeLimit(1), encodeLimit(3), encodeLimit(Infinity)]).toEqual([1, 3, 0]);
  });
});

describe("take on the wire", () => {
  it("names tombstone, holders and queue mark of each claim, then the owners", () => {
    const claims: Claim[] = [
      claimOf({ id: "x", keys: ["a", "b"] }),
      claimOf({ id: "y", keys: ["c"], ownerId: "o", wait: false, keepLease: true, lease: Infinity }),
    ];
    const { keys, args } = encodeTake(layout, "chan", claims);
    expect(keys.map((name) => name.replace("n:{0}", ""))).toEqual([
      "",
      "t:x",
      "h:a",
      "m:a",
      "h:b",
      "m:b",
      "t:y",
      "h:c",
      "m:c",
      "o:o",
    ]);
    expect(args).toEqual(["chan", -9, "ew-", 1, 30_000, 2, "o-k", 1, -1, 1]);
  });

  it("says once what all claims ask for, where it is the same", () => {
    const args = (...claims: Partial<Claim>[]): unknown =>
      encodeTake(layout, "chan", claims.map(claimOf)).args.slice(2);
    const [a, b] = [{ keys: ["a"] }, { keys: ["b"] }];
    const one = ["ew-", 1, 30_000, 1];
    expect(args(a, b, { keys: ["c"] })).toEqual(one);
    for (const [other, asks] of [
      [{ wait: false }, ["e--", 1, 30_000, 1]],
      [{ limit: 2 }, ["ew-", 2, 30_000, 1]],
      [{ lease: 1_000 }, ["ew-", 1, 1_000, 1]],
      [{ keys: ["b", "c"] }, ["ew-", 1, 30_000, 2]],
    ] as const) {
      expect(args(a, { ...b, ...other })).toEqual([...one, ...asks]);
    }
  });

  it("looks at once only where all claims are exclusive and share no key", () => {
    const look = (...claims: Partial<Claim>[]): unknown =>
      encodeTake(layout, "", claims.map(claimOf)).args[1];
    expect(look({})).toBe(4);
    expect(look({ keys: ["a"] }, { keys: ["b"] })).toBe(7);
    expect(look({ keys: ["a"] }, { keys: ["a"] })).toBe(0);
    expect(look({ limit: 2 })).toBe(0);
    expect(look({ keys: Array.from({ length: 600 }, (_, n) => `k${n}`) })).toBe(0);
  });

  it("understands every answer, also where the client makes strings of integers", () => {
    const claim = claimOf({ id: "x" });
    expect(decodeTake([claim], 7)).toEqual([
      { status: "granted", grantId: "x", token: 7, remaining: 30_000 },
    ]);
    expect(decodeTake([claim], "7")).toEqual([
      { status: "granted", grantId: "x", token: 7, remaining: 30_000 },
    ]);
    const answers = [8, ["g", "y", 9, -1], ["q", 3, 100], ["b", "", -1], ["b", "o", 5], ["w"]];
    expect(
      decodeTake(
        answers.map(() => claim),
        answers,
      ),
    ).toEqual([
      { status: "granted", grantId: "x", token: 8, remaining: 30_000 },
      { status: "granted", grantId: "y", token: 9, remaining: Infinity },
      { status: "queued", ticket: 3, checkIn: 100 },
      { status: "busy", ownerId: null, freeIn: Infinity },
      { status: "busy", ownerId: "o", freeIn: 5 },
      { status: "withdrawn" },
    ]);
  });
});

describe("release on the wire", () => {
  it("names holders and queue marks, and says by what", () => {
    const { keys, args } = encodeRelease(
      layout,
      [
        { by: "grant", grantId: "g", keys: ["a", "b"], tombstone: false },
        { by: "owner", ownerId: "o", keys: ["c"] },
        { by: "owner", ownerId: null, keys: ["d"] },
      ],
      null,
    );
    expect(keys.map((name) => name.replace("n:{0}", ""))).toEqual([
      "",
      "f",
      "h:a",
      "h:b",
      "h:c",
      "h:d",
      "m:a",
      "m:b",
      "m:c",
      "m:d",
    ]);
    expect(args).toEqual([4, "s", "", "g", "g", 2, "o", "o", 1, "a", "", 1]);
  });

  it("says of releases by grant, each of one key, whose they are and no more", () => {
    const grant = (grantId: string, ...keys: string[]) =>
      ({ by: "grant", grantId, keys, tombstone: false }) as const;
    expect(encodeRelease(layout, [grant("x", "a"), grant("y", "b")], null).args).toEqual([
      2,
      "g",
      "",
      "x",
      "y",
    ]);
    const wider = encodeRelease(layout, [grant("x", "a"), grant("y", "b", "c")], null);
    expect(wider.args).toEqual([3, "s", "", "g", "x", 1, "g", "y", 2]);
    const noted = { ...grant("n", "a"), noted: true };
    expect(encodeRelease(layout, [noted], null).args).toEqual([1, "n", "", "n"]);
    const several = encodeRelease(layout, [noted, grant("x", "b")], null);
    expect(several.args).toEqual([2, "s", "", "n", "n", 1, "g", "x", 1]);
    expect(encodeRelease(layout, [{ ...noted, tombstone: true }], null).args).toEqual([
      1,
      "",
      "",
      "N",
      "n",
      1,
    ]);
  });

  it("does not look for the short way where there is a claim to withdraw or a tombstone to leave", () => {
    const withdrawal = encodeRelease(
      layout,
      [{ by: "claim", claimId: "c", keys: ["a"], tombstone: true }],
      "m",
    );
    expect(withdrawal.args).toEqual([1, "", "m", "C", "c", 1]);
    const buried = encodeRelease(layout, [{ by: "grant", grantId: "g", keys: ["a"], tombstone: true }], null);
    expect(buried.args).toEqual([1, "", "", "G", "g", 1]);
  });

  it("understands the answers", () => {
    expect(decodeRelease(1)).toEqual([{ status: "released", freed: true }]);
    expect(decodeRelease([1, "0", ["again"]])).toEqual([
      { status: "released", freed: true },
      { status: "released", freed: false },
      { status: "failed", error: expect.any(Error) as Error },
    ]);
  });
});

describe("renew, releaseAll and inspect on the wire", () => {
  it("renew: id, lease and number of keys of each", () => {
    const renewals = [
      { grantId: "g", keys: ["a", "b"], lease: 10 },
      { grantId: "h", keys: ["c"], lease: Infinity },
    ];
    const { keys, args } = encodeRenew(layout, renewals);
    expect(keys).toEqual(["n:{0}", "n:{0}f", "n:{0}h:a", "n:{0}h:b", "n:{0}h:c"]);
    expect(args).toEqual(["g", 10, 2, "h", -1, 1]);
    expect(decodeRenew(renewals, [0, "1"])).toEqual([
      { status: "lost" },
      { status: "renewed", remaining: Infinity },
    ]);
  });

  it("releaseAll: a walk over the index of the owner, or over what must be freed one by one and what is waited for", () => {
    expect(encodeReleaseAll(layout, { ownerId: "o" }, START, "m")).toMatchObject({
      keys: ["n:{0}", "n:{0}o:o"],
      args: ["0", -1, "o", "o", "", "m"],
    });
    const walk = { cursor: "9", newest: 4, server: "s" };
    expect(encodeReleaseAll(layout, "unbounded", walk, null)).toMatchObject({
      keys: ["n:{0}", "n:{0}i"],
      args: ["9", 4, "i", "n:{0}@", "s", ""],
    });
    expect(encodeReleaseAll(layout, "awaited", START, null)).toMatchObject({ keys: ["n:{0}", "n:{0}z"] });
    expect(decodeReleaseAll(["17", "42", "s"])).toEqual({ cursor: "17", newest: 42, server: "s" });
  });

  it("inspect: holders of each key, and how many wait", () => {
    expect(
      decodeInspect(
        ["a", "b"],
        [
          [2, 0, "o", 5, -1, "", "6", 70],
          [0, 0],
        ],
      ),
    ).toEqual([
      {
        key: "a",
        waiting: 2,
        holders: [
          { ownerId: "o", fencingToken: 5n, limit: Infinity, remaining: Infinity },
          { ownerId: null, fencingToken: 6n, limit: Infinity, remaining: 70 },
        ],
      },
      { key: "b", waiting: 0, holders: [] },
    ]);
  });
});
