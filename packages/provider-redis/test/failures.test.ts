import type { Redis } from "ioredis";
import { expect, it } from "vitest";
import { ownClient } from "../src/client.ts";
import { asFailure } from "../src/failures.ts";
import { redisUrl } from "./instance.ts";

/** What a server says to a script, of version 7 and later and as 6.2 wraps it. */
function said(text: string): Error[] {
  const script = "a".repeat(40);
  const wrapped = `ERR Error running script (call to f_${script}): @user_script:5: @user_script: 5: -${text}`;
  return [`${text} script: ${script}, on @user_script:5.`, wrapped].map((message) =>
    Object.assign(new Error(message), { name: "ReplyError" }),
  );
}

it("a server that became a replica passes, and its connection is given up, whatever the version", () => {
  const { options } = ownClient({ redisUrl }, 5_000) as Redis;
  for (const error of said("READONLY You can't write against a read only replica.")) {
    expect(asFailure(error)).toBe(error);
    expect(options.reconnectOnError?.(error)).toBe(true);
  }
});

it.each([
  ["OOM command not allowed when used memory > 'maxmemory'.", "out of memory"],
  ["MISCONF Redis is configured to save RDB snapshots", "can't save its data"],
  ["WRONGTYPE Operation against a key holding the wrong kind of value", "Something else is stored"],
])("%s is LOCK_UNAVAILABLE that says what to do, whatever the version", (text, advice) => {
  for (const error of said(text)) {
    expect(asFailure(error)).toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining(advice) as string,
    });
  }
});
