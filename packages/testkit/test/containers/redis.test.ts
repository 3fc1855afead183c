import { setTimeout as pause } from "node:timers/promises";
import { startRedis } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { getContainerRuntimeClient } from "testcontainers";
import { describe, expect, test } from "vitest";
import { quiet } from "./quiet-client.ts";

// Named by the set-up of the tests wherever there are containers; who brings servers of their own may have no Docker.
const image = process.env["LOCK_TEST_REDIS_IMAGE"];

describe.skipIf(!image)("a Redis", { timeout: 60_000 }, () => {
  test("keeps its address, and loses its data, when it is killed and started", async () => {
    await using redis = await startRedis();
    const client = quiet(new Redis(redis.url));
    await client.set("key", "value");
    const ended = new Promise((resolve) => client.once("close", resolve));
    await redis.stop();
    await ended;
    expect(redis.state).toBe("stopped");
    await redis.start();
    expect(await client.get("key")).toBeNull();
  });

  test("is started again also when it ended by itself, and stopped when it has ended", async () => {
    await using redis = await startRedis({ args: ["--appendonly", "yes"] });
    const client = quiet(new Redis(redis.url));
    await client.set("key", "value");
    await Promise.allSettled([redis.command("SHUTDOWN"), redis.stop()]);
    await redis.stop();
    await redis.start();
    await redis.start();
    expect(await client.get("key")).toBe("value");
  });

  test("answers nothing while it is paused", async () => {
    await using redis = await startRedis({ args: ["--maxmemory", "64mb"] });
    const client = quiet(new Redis(redis.url));
    expect(await client.config("GET", "maxmemory")).toEqual(["maxmemory", String(64 * 1024 * 1024)]);
    await redis.pause();
    const answer = client.ping();
    expect(await Promise.race([answer, pause(100, "nothing")])).toBe("nothing");
    await redis.unpause();
    expect(await answer).toBe("PONG");
  });

  test("says why it can't be started, and leaves nothing behind", async () => {
    await expect(startRedis({ args: ["--maxmemory", "a lot"] })).rejects.toThrow(/Could not start[^]*a lot/);
  });

  test("carries the label of the run that started it, until it is removed", async () => {
    const redis = await startRedis();
    const { container } = await getContainerRuntimeClient();
    const { Config } = await container.getById(redis.id).inspect();
    expect(Config.Labels["lock.test.run"]).toBe(process.env["LOCK_TEST_RUN"] ?? "none");
    await redis.close();
    await redis.close();
    await expect(container.getById(redis.id).inspect()).rejects.toThrow("404");
  });
});
