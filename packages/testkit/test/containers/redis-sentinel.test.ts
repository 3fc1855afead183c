import { startRedisSentinel } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { eventually, quiet } from "./quiet-client.ts";

// Named by the set-up of the tests wherever there are containers; who brings servers of their own may have no Docker.
const image = process.env["LOCK_TEST_REDIS_IMAGE"];

describe.skipIf(!image)("a Redis with sentinels", { timeout: 60_000 }, () => {
  test("fails over at a word, and the client goes with it", async () => {
    await using sentinel = await startRedisSentinel();
    const client = quiet(new Redis({ ...sentinel.options, failoverDetector: true }));
    await client.set("key", "value");
    expect(await client.wait(1, 1000)).toBe(1);
    const [first, second] = sentinel.nodes;
    expect(await sentinel.master()).toBe(first);
    expect(await sentinel.failover()).toBe(second);
    // Until it hears of it from a sentinel it may still write to the old master.
    await eventually(async () => {
      await client.set("key", "new");
      return (await second?.command("GET", "key")) === "new";
    });
  });

  test(
    "replaces a master that was killed, as two of three sentinels agree",
    { timeout: 60_000 },
    async () => {
      await using sentinel = await startRedisSentinel({ sentinels: 3, downAfter: 1000 });
      const client = quiet(new Redis({ ...sentinel.options }));
      await client.set("key", "value");
      expect(await client.wait(1, 1000)).toBe(1);
      await sentinel.sentinels[0]?.stop();
      const [first, second] = sentinel.nodes;
      await first?.stop();
      await eventually(async () => (await sentinel.master()) === second);
      expect(await client.get("key")).toBe("value");
    },
  );
});
