import { describe, expect, it } from "vitest";
import { KeyLayout } from "../src/key-layout.ts";

/** What Redis takes a name's slot from. */
function hashTag(name: string): string {
  const tag = /\{([^}]+)\}/.exec(name)?.[1];
  expect(tag).toBeDefined();
  return tag as string;
}

function names(layout: KeyLayout, text: string): string[] {
  const { base, floor, unbounded, awaited } = layout;
  const named = [
    layout.holders(text),
    layout.mark(text),
    layout.tombstone(text),
    layout.owner(text),
    layout.channel(text),
  ];
  return [base, floor, unbounded, awaited, ...named];
}

describe("key layout", () => {
  it("puts all of a bucket under one hash tag, whatever braces users' keys and namespaces have", () => {
    for (const namespace of ["lock:", "{lock}:", "a}b{c", "{}", "}{"]) {
      for (const key of ["k", "{other}", "}{", "{}", "a{b}c"]) {
        expect(new Set(names(new KeyLayout(namespace), key).map(hashTag)).size).toBe(1);
      }
    }
  });

  it("gives every key of every namespace a name of its own", () => {
    const texts = ["a", ":a", "h:a", "{0}", "{0}h:a", "f", "i", "z", "%7B", "{", "}", " ", "ä", "a\u{1f512}"];
    const all: string[] = [];
    for (const namespace of [
      "lock:",
      "lock:a",
      "lock:{0}",
      "lock:%7B0%7D",
      "lock:{0}h:",
      "lock",
      "{",
      "}",
      "%",
    ]) {
      const layout = new KeyLayout(namespace);
      const { base, floor, unbounded, awaited } = layout;
      all.push(base, floor, unbounded, awaited);
      for (const text of texts) {
        all.push(layout.holders(text), layout.mark(text), layout.tombstone(text), layout.owner(text));
      }
    }
    expect(new Set(all).size).toBe(all.length);
  });

  it("begins all names with the namespace, so that rights can be given by it", () => {
    for (const name of names(new KeyLayout("orders:"), "k")) expect(name.startsWith("orders:{0}")).toBe(true);
  });
});
