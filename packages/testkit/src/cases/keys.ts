import type { Keys } from "@lock/core";
import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

/** Names that mean something to a backend, a language or a pattern. */
export const special: readonly string[] = [
  "*",
  "a*",
  "?",
  "a?",
  "[a]",
  "{a}",
  "{",
  "}",
  "%",
  "a%",
  "_",
  "a_",
  "\\",
  "'",
  "''",
  '"',
  "`",
  ";",
  ":",
  "::",
  "a:b",
  "/",
  "../a",
  ".",
  "$1",
  "$",
  "#",
  "--",
  " ",
  " a",
  "a ",
  "\t",
  "\n",
  "\r\n",
  "\u0001",
  "\u007f",
  "0",
  "null",
  "undefined",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "é",
  "e\u0301",
  "\u200b",
  "\ufeff",
  "🔒",
  "ﬁ",
  "fi",
  "İ",
  "i",
  "ß",
  "ss",
  "SS",
];

const longest = "x".repeat(1_024);

export const keyCases: readonly ConformanceCase[] = area("keys", [
  {
    name: "one key or many may be given",
    run: async ({ locking }) => {
      assert.deepEqual((await locking.acquire("a")).keys, ["a"]);
      assert.deepEqual([...(await locking.acquire(["b", "c"])).keys].sort(), ["b", "c"]);
      assert.deepEqual(await locking.execute(["d", "e"], (lock) => [...lock.keys].sort()), ["d", "e"]);
    },
  },
  {
    name: "what is no well-formed, non-empty string of at most 1,024 bytes without NUL is an error",
    run: async ({ locking }) => {
      const wrong: readonly unknown[] = [
        "",
        "\0",
        "a\0b",
        "\ud800",
        "a\udc00",
        `${longest}x`,
        "é".repeat(513),
        7,
        null,
        undefined,
        {},
        ["a", ""],
        ["a", 7],
        [["a"]],
      ];
      for (const keys of wrong as readonly Keys[]) {
        await refusal("LOCK_INVALID_ARGUMENT", locking.acquire(keys));
        await refusal(
          "LOCK_INVALID_ARGUMENT",
          locking.execute(keys, () => assert.fail("the job ran")),
        );
        await refusal("LOCK_INVALID_ARGUMENT", locking.release(keys));
      }
      await locking.acquire("a");
    },
  },
  {
    name: "no key at all is an error",
    run: async ({ locking }) => {
      await refusal("LOCK_INVALID_ARGUMENT", locking.acquire([]));
      await refusal(
        "LOCK_INVALID_ARGUMENT",
        locking.execute([], () => assert.fail("the job ran")),
      );
      await refusal("LOCK_INVALID_ARGUMENT", locking.release([]));
    },
  },
  {
    name: "1,024 bytes of UTF-8 are allowed, and never truncated",
    rival: true,
    run: async ({ locking, rival }) => {
      const wide = "é".repeat(511);
      for (const start of [longest.slice(2), wide]) {
        const lock = await locking.acquire(`${start}a1`);
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(`${start}a1`));
        await rival.acquire(`${start}a2`);
        await rival.acquire(`${start}b1`);
        assert.equal(await lock.release(), true);
      }
    },
  },
  {
    name: "keys are case-sensitive",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("Key");
      await rival.acquire("key");
      await rival.acquire("KEY");
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire("Key"));
    },
  },
  {
    name: "keys are never normalised",
    rival: true,
    run: async ({ locking, rival }) => {
      await locking.acquire("é");
      await rival.acquire("e\u0301");
      await locking.acquire("a");
      for (const other of ["a ", " a", "a\n", "a\u200b", "A\u0301"]) await rival.acquire(other);
    },
  },
  {
    name: "no character is special: every key is its own lock",
    rival: true,
    run: async ({ locking, rival }) => {
      const locks = await Promise.all(
        special.map(async (key) => await locking.acquire(key, { ownerId: "u" })),
      );
      await Promise.all(special.map(async (key) => await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key))));
      for (const name of ["a", "ab", "b", "x"]) await rival.acquire(name);
      assert.ok(locks.every((lock, index) => lock.keys[0] === special[index]));
      for (const key of special)
        assert.equal(await rival.release(key, { ownerId: "u" }), true, JSON.stringify(key));
    },
  },
  {
    name: "no character is special: releasing a key frees no other",
    rival: true,
    run: async ({ locking, rival }) => {
      const held = ["ab", "a:b", "axb", "aa"];
      for (const key of held) await locking.acquire(key);
      for (const key of ["*", "a*", "a?b", "a[:x]b", "a%", "a_b", "a.b", "{a", "a"]) {
        assert.equal(await rival.release(key), false, key);
      }
      for (const key of held) await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key));
    },
  },
  {
    name: "repeats count once",
    run: async ({ locking }) => {
      const lock = await locking.acquire(["a", "b", "a"]);
      assert.deepEqual([...lock.keys].sort(), ["a", "b"]);
      assert.equal(await locking.release(["b", "b", "a"]), true);
      assert.equal(await locking.execute(["a", "a"], () => "ran"), "ran");
    },
  },
  {
    name: "repeats take one permit",
    requires: { limits: true },
    run: async ({ locking }) => {
      await locking.acquire(["a", "a"], { limit: 2 });
      await locking.acquire(["a"], { limit: 2 });
      await refusal("LOCK_NOT_ACQUIRED", locking.acquire("a", { limit: 2 }));
    },
  },
  {
    name: "many keys are taken all or none",
    rival: true,
    run: async ({ locking, rival }) => {
      const held = await locking.acquire("c");
      for (const keys of [
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["a", "c", "b"],
      ]) {
        await refusal("LOCK_NOT_ACQUIRED", rival.acquire(keys, { ownerId: "u" }));
        await refusal(
          "LOCK_TIMEOUT",
          rival.execute(keys, () => assert.fail("the job ran"), { timeout: "200ms" }),
        );
      }
      const free = await locking.acquire(["a", "b"]);
      await free.release();
      await held.release();
      await rival.acquire(["c", "a", "b"]);
    },
  },
  {
    name: "many keys are held all, until they are released",
    rival: true,
    run: async ({ locking, rival }) => {
      const lock = await locking.acquire(["a", "b", "c"]);
      for (const key of ["a", "b", "c"]) await refusal("LOCK_NOT_ACQUIRED", rival.acquire(key));
      await lock.release();
      for (const key of ["a", "b", "c"]) await rival.acquire(key);
    },
  },
  {
    name: "a claim on a hundred keys is taken, refused and released as one",
    rival: true,
    run: async ({ locking, rival }) => {
      const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
      const lock = await locking.acquire(keys);
      await refusal("LOCK_NOT_ACQUIRED", rival.acquire(["before", "k99"]));
      await rival.acquire("before");
      assert.equal(await lock.release(), true);
      await rival.acquire(keys.toReversed());
    },
  },
  {
    name: "calls with overlapping keys never deadlock, whatever order they come in",
    rival: true,
    run: async ({ locking, rival }) => {
      const inside = new Set<string>();
      const work = async (index: number): Promise<void> => {
        const keys = index % 2 === 0 ? ["a", "b", "c"] : index % 3 === 0 ? ["c", "b"] : ["c", "a"];
        await (index % 4 < 2 ? locking : rival).execute(
          keys,
          async () => {
            for (const key of keys) {
              assert.equal(inside.has(key), false, `two hold "${key}"`);
              inside.add(key);
            }
            await new Promise((resolve) => setTimeout(resolve, 2));
            for (const key of keys) inside.delete(key);
          },
          { timeout: "8s" },
        );
      };
      await Promise.all(Array.from({ length: 20 }, async (_, index) => await work(index)));
    },
  },
  {
    name: "namespaces never meet, however their names and keys are put together",
    requires: { scope: "shared" },
    run: async ({ namespace, locking, connect }) => {
      const inner = await connect({ namespace: `${namespace}:a` });
      const other = await connect({ namespace: `${namespace}a` });
      await locking.acquire("a:k", { ownerId: "u" });
      await inner.acquire("k", { ownerId: "u" });
      await other.acquire("k", { ownerId: "u" });
      await locking.acquire("k");
      assert.equal(await inner.release("a:k", { ownerId: "u" }), false);
      assert.equal(await locking.release("a:k", { ownerId: "u" }), true);
      await refusal("LOCK_NOT_ACQUIRED", inner.acquire("k"));
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k"));
    },
  },
]);
