import { createLocking, isLockError } from "@lock/core";
import { Cluster, Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import defaultExport, { redisProvider, type RedisProviderOptions } from "../src/index.ts";
import { byGrant, claimOf, client, instance, journal, newNamespace, redisUrl } from "./instance.ts";

function refusal(options: unknown): unknown {
  try {
    redisProvider(options as RedisProviderOptions);
    return null;
  } catch (error) {
    return isLockError(error) ? `${error.code}: ${error.message}` : error;
  }
}

describe("redisProvider", () => {
  it("is the default export too, and is registered as locking-redis", () => {
    expect(defaultExport).toBe(redisProvider);
    expect(redisProvider({ redisUrl }).identifier).toBe("locking-redis");
  });

  it("needs exactly one server, and says what to write", () => {
    expect(refusal(undefined)).toMatch(/^LOCK_CONFIG: .*redisUrl/);
    expect(refusal({})).toMatch(/^LOCK_CONFIG: .*redisUrl is undefined/);
    expect(refusal({ redisUrl: undefined })).toMatch(/^LOCK_CONFIG: .*redisUrl is undefined/);
    expect(refusal({ redisUrl: "" })).toMatch(/^LOCK_CONFIG: .*URL such as/);
    expect(refusal({ redisUrl: "localhost:6379" })).toMatch(/^LOCK_CONFIG: .*URL such as/);
    expect(refusal({ redisUrl: "redis://localhost/locks" })).toMatch(/^LOCK_CONFIG: .*URL such as/);
    expect(refusal({ redisOptions: {} })).toMatch(/^LOCK_CONFIG/);
    expect(refusal({ redisUrl, redisOptions: "tls" })).toMatch(/^LOCK_CONFIG/);
    expect(refusal({ redisUrl, client: new Redis({ lazyConnect: true }) })).toMatch(
      /^LOCK_CONFIG: .*not both/,
    );
    expect(refusal({ client: {} })).toMatch(/^LOCK_CONFIG: .*new Redis/);
    const prefixed = { keyPrefix: "{app}:", lazyConnect: true };
    expect(refusal({ client: new Cluster(["redis://host"], prefixed) })).toMatch(/^LOCK_CONFIG: .*braces/);
    expect(refusal({ client: new Cluster(["redis://host"], { lazyConnect: true }) })).toBeNull();
    expect(refusal({ redisCluster: { nodes: [] } })).toMatch(/^LOCK_CONFIG: .*name nodes/);
    expect(refusal({ redisUrl, redisCluster: { nodes: [redisUrl] } })).toMatch(/^LOCK_CONFIG: .*not both/);
    expect(refusal({ redisCluster: { nodes: [redisUrl] }, shards: 0 })).toMatch(/^LOCK_CONFIG: .*shards/);
    expect(refusal({ redisUrl, shards: 4 })).toMatch(/^LOCK_CONFIG: .*cluster only/);
    expect(refusal({ redisOptions: { host: "localhost" } })).toBeNull();
    expect(refusal({ redisOptions: { path: "/tmp/redis.sock" } })).toBeNull();
    expect(refusal({ redisUrl: "/tmp/redis.sock" })).toBeNull();
    expect(refusal({ redisUrl: "rediss://user:secret@host:6380/2" })).toBeNull();
    for (const rest of ["", "/", "/0", "/12?family=6", "?db=3"])
      expect(refusal({ redisUrl: `redis://host${rest}` })).toBeNull();
  });

  it("refuses namespaces, push and durations that are none", () => {
    for (const namespace of ["", 3, "a\0b", "\ud800"])
      expect(refusal({ redisUrl, namespace })).toMatch(/^LOCK_CONFIG: .*namespace/);
    expect(refusal({ redisUrl, replicas: { min: 0 } })).toMatch(/^LOCK_CONFIG: .*replicas.min/);
    expect(refusal({ redisUrl, replicas: { min: 1, timeout: 3 } })).toMatch(
      /^LOCK_CONFIG: .*replicas.timeout .* 2500 ms/,
    );
    expect(refusal({ redisUrl, push: "no" })).toMatch(/^LOCK_CONFIG: .*push/);
    expect(refusal({ redisUrl, callTimeout: "soon" })).toMatch(/^LOCK_INVALID_ARGUMENT: callTimeout/);
    expect(refusal({ redisUrl, waitLockingTimeout: -1 })).toMatch(
      /^LOCK_INVALID_ARGUMENT: waitLockingTimeout/,
    );
  });

  it("takes a callTimeout that is longer than a timer counts", async () => {
    for (const callTimeout of ["13d", "40d"] as const) {
      await using service = await createLocking({
        providers: [redisProvider({ redisUrl, namespace: newNamespace(), callTimeout })],
        logger: journal().logger,
      });
      expect(await service.execute("a", () => "ran")).toBe("ran");
    }
  });

  it("declares what it offers", async () => {
    await using one = await instance();
    expect(one.store.capabilities).toEqual({
      scope: "shared",
      fencing: true,
      limits: true,
      fifo: true,
      push: true,
      inspect: true,
      transactions: false,
      crashRelease: "lease",
    });
  });

  it("says when it is connected, by the id that it is registered under", async () => {
    const { lines, logger } = journal();
    await using _service = await createLocking({
      providers: [
        { resolve: redisProvider, id: "orders", options: { redisUrl }, isDefault: true },
        redisProvider({ redisUrl }),
      ],
      logger,
    });
    expect(lines).toContain('info Connection to Redis in "orders" provider established');
    expect(lines).toContain('info Connection to Redis in "locking-redis" provider established');
    expect(lines.filter((line) => line.startsWith("warn"))).toEqual([]);
  });

  it("keeps namespaces apart", async () => {
    const namespace = newNamespace();
    await using one = await instance({ namespace });
    await using other = await instance({ namespace: `${namespace}a` });
    await using braced = await instance({ namespace: `${namespace}{0}` });
    for (const each of [one, other, braced])
      expect(await each.take({ keys: ["a", ":a"] })).toMatchObject({ status: "granted" });
    await one.store.releaseAll(null);
    expect(await one.take({ wait: false })).toMatchObject({ status: "granted" });
    for (const each of [other, braced])
      expect(await each.take({ wait: false })).toMatchObject({ status: "busy" });
  });
});

describe("commands", () => {
  it("an uncontended lock is one command to take and one to release, also the first", async () => {
    const handed = new Redis(redisUrl);
    onTestFinished(() => handed.disconnect());
    await using one = await instance({ client: handed });
    const sent: string[] = [];
    const send = handed.sendCommand.bind(handed);
    handed.sendCommand = (command, ...rest) => {
      sent.push(command.name);
      return send(command, ...rest);
    };
    for (const options of [{}, { ownerId: "o" }, { keys: ["a", "b"] }, { limit: 3 }]) {
      const claim = claimOf(options);
      await one.take(claim);
      await one.release(byGrant(claim.id, claim.keys));
      expect(sent.splice(0)).toEqual(["evalsha", "evalsha"]);
    }
  });

  it.each([true, false])(
    "a contended lock costs at most 2.1 commands for each grant, with 64 waiters and handoff: %j",
    async (handoff) => {
      const handed = new Redis(redisUrl);
      onTestFinished(() => handed.disconnect());
      const { logger } = journal();
      await using service = await createLocking({
        providers: [redisProvider({ client: handed, namespace: newNamespace(), handoff })],
        logger,
      });
      let sent = 0;
      const send = handed.sendCommand.bind(handed);
      handed.sendCommand = (command, ...rest) => {
        sent += 1;
        return send(command, ...rest);
      };
      const rounds = 10;
      await Promise.all(
        Array.from({ length: 64 }, async () => {
          for (let round = 0; round < rounds; round += 1)
            await service.execute("a", () => {}, { timeout: 20 });
        }),
      );
      expect(sent / (64 * rounds)).toBeLessThanOrEqual(2.1);
    },
  );
});

it("claims of one tick travel as one command, and so do releases", async () => {
  const handed = new Redis(redisUrl);
  onTestFinished(() => handed.disconnect());
  await using service = await createLocking({
    providers: [redisProvider({ client: handed, namespace: newNamespace() })],
    logger: journal().logger,
  });
  const sent: string[] = [];
  const send = handed.sendCommand.bind(handed);
  handed.sendCommand = (command, ...rest) => {
    sent.push(command.name);
    return send(command, ...rest);
  };
  const locks = await Promise.all(Array.from({ length: 32 }, (_, n) => service.acquire(`k${n}`)));
  expect(sent.splice(0)).toEqual(["evalsha"]);
  await Promise.all(locks.map((lock) => lock.release()));
  expect(sent).toEqual(["evalsha"]);
});

describe("a client that was handed in", () => {
  it("is used and not closed, and loses the provider's listeners", async () => {
    await using handed = client();
    const before = handed.eventNames().map((name) => [name, handed.listenerCount(name)]);
    const one = await instance({ client: handed });
    await one.take({});
    await one.store.close();
    await one.store.close();
    expect(handed.eventNames().map((name) => [name, handed.listenerCount(name)])).toEqual(before);
    expect(await handed.ping()).toBe("PONG");
  });

  it("excludes as the provider's own connections do: of 200 read-modify-write increments none is lost", async () => {
    const namespace = newNamespace();
    const services = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const handed = new Redis(redisUrl);
        onTestFinished(() => handed.disconnect());
        const service = await createLocking({
          providers: [redisProvider({ client: handed, namespace })],
          logger: journal().logger,
        });
        onTestFinished(() => service.close());
        return service;
      }),
    );
    await using redis = client();
    const counter = `${namespace}counter`;
    const increments = services.flatMap((service) =>
      Array.from({ length: 50 }, () =>
        service.execute(
          "counter",
          async () => {
            const before = Number(await redis.get(counter));
            await redis.set(counter, before + 1, "PX", 60_000);
          },
          { timeout: 20 },
        ),
      ),
    );
    await Promise.all(increments);
    expect(await redis.get(counter)).toBe("200");
  });

  it("may have a prefix for keys, and make strings of numbers", async () => {
    const handed = new Redis(redisUrl, { keyPrefix: newNamespace(), stringNumbers: true, lazyConnect: true });
    onTestFinished(() => handed.disconnect());
    const namespace = newNamespace();
    await using redis = client();
    await using one = await instance({ client: handed, namespace });
    const [held, waiter] = [claimOf({ ownerId: "o" }), claimOf({})];
    expect(await one.store.take([held, waiter])).toMatchObject([
      { status: "granted", token: 1 },
      { status: "queued", ticket: 2 },
    ]);
    expect(await one.release({ by: "owner", ownerId: "o", keys: ["a"] })).toEqual({
      status: "released",
      freed: true,
    });
    await one.handedTo(waiter.id);
    await one.store.releaseAll(null);
    expect(await one.store.inspect(["a"])).toEqual([{ key: "a", holders: [], waiting: 0 }]);
    // Nothing stands outside of the prefix.
    expect(await redis.keys(`${namespace}*`)).toEqual([]);
  });

  it("that the application closes meanwhile is LOCK_UNAVAILABLE, and says so", async () => {
    const handed = new Redis(redisUrl);
    await using one = await instance({ client: handed });
    await one.take({});
    await handed.quit();
    await expect.poll(() => handed.status).toBe("end");
    await expect(one.take({})).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("closed") as string,
    });
  });
});
