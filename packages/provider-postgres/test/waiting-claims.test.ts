import { expect, test } from "vitest";
import { WaitingClaims } from "../src/waiting-claims.ts";
import { claimOf } from "./instance.ts";

test("of more keys than are looked at in one turn, each has its turn", () => {
  const waiting = new WaitingClaims();
  for (let n = 0; n < 5_000; n++) waiting.add(claimOf({ keys: [`k${n}`] }));
  const seen = new Set<string>();
  for (let turn = 0; turn < 3; turn++) for (const key of waiting.keys()) seen.add(key);
  expect(seen.size).toBe(5_000);
});
