import { startRedis } from "@lock/testkit/containers";
import { describeConformance } from "@lock/testkit/vitest";
import { afterAll, expect, it } from "vitest";
import { byGrant, claimOf, instance } from "./instance.ts";
import { restrictedVariable } from "./restricted-subject.ts";
import { documentedRights, restricted } from "./rights.ts";

const server = await startRedis();
afterAll(() => server.close(), 30_000);
await server.command("ACL", "SETUSER", ...(await setUp()));
const { username, password } = restricted;
const url = `redis://${username}:${password}@${server.host}:${server.port}`;
process.env[restrictedVariable] = url;

async function setUp(): Promise<string[]> {
  return [restricted.username, ...(await documentedRights("testkit-", "server"))];
}

// All that a user can ask for. What is left out is how processes crash and connections break, for which rights make no difference.
await describeConformance({
  subject: new URL("./restricted-subject.ts", import.meta.url),
  only: [
    ...[
      "keys",
      "owners",
      "limit",
      "order",
      "acquire",
      "reacquire",
      "timeout",
      "execute",
      "release",
      "releaseAll",
    ],
    ...["inspect", "handle", "extend", "fencing", "push", "chance", "store", "processes"],
  ],
});

it("to publish may be missing where nothing is pushed, also when what is released is waited for by who is pushed", async () => {
  const unheard = (await setUp()).filter((right) => !/^&|subscribe|publish/.test(right));
  await server.command("ACL", "SETUSER", "silent", ...unheard.slice(1));
  const namespace = "testkit-unheard:";
  await using pushed = await instance({ redisUrl: url, namespace });
  await using one = await instance({ redisUrl: url.replace(username, "silent"), namespace, push: false });
  for (const limit of [1, 2]) {
    const [held, waiter] = [claimOf({}), claimOf({ limit })];
    await one.take(held);
    await pushed.take(waiter);
    expect(await one.release(byGrant(held.id))).toEqual({ status: "released", freed: true });
    expect(await pushed.take(waiter)).toMatchObject({ status: "granted", remaining: 30_000 });
    await pushed.release(byGrant(waiter.id));
  }
});

it("to load scripts and to ask for information may be missing: the first of each script takes two commands", async () => {
  const fewer = (await setUp()).filter((right) => right !== "+info" && right !== "+script|load");
  expect(fewer).toHaveLength((await setUp()).length - 2);
  await server.command("ACL", "SETUSER", "uninformed", ...fewer.slice(1));
  await server.command("SCRIPT", "FLUSH");
  await using one = await instance({
    redisUrl: url.replace(username, "uninformed"),
    namespace: "testkit-uninformed:",
  });
  const claim = claimOf({});
  expect(await one.take(claim)).toMatchObject({ status: "granted", token: 1 });
  expect(await one.release(byGrant(claim.id))).toEqual({ status: "released", freed: true });
});

it("to select is needed for another database than the first, and what is missing is said, not taken for the first", async () => {
  const elsewhere = { redisUrl: `${url}/2`, namespace: "testkit-selected:" };
  await expect(instance(elsewhere)).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: expect.stringContaining("lacks rights") as string,
  });
  await server.command("ACL", "SETUSER", username, "+select");
  try {
    await using one = await instance(elsewhere);
    expect(await one.take({})).toMatchObject({ status: "granted" });
    expect(await server.command("-n", "2", "EXISTS", "testkit-selected:{0}h:a")).toBe("1");
  } finally {
    await server.command("ACL", "SETUSER", username, "-select");
  }
});

it("says which right is missing", async () => {
  for (const right of ["-evalsha", "-zadd", "-set", "-subscribe", "-publish"]) {
    await server.command("ACL", "SETUSER", restricted.username, right);
    const use = async (): Promise<unknown> => {
      await using one = await instance({ redisUrl: url, namespace: "testkit-rights" });
      return await one.take({ ownerId: "u", lease: Infinity, keys: [right] });
    };
    await expect(use()).rejects.toMatchObject({
      code: "LOCK_UNAVAILABLE",
      message: expect.stringContaining("lacks rights") as string,
    });
    await server.command("ACL", "SETUSER", ...(await setUp()));
  }
});
