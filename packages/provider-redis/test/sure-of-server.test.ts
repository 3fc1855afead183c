import { expect, it } from "vitest";
import { Bucket } from "../src/bucket.ts";
import { Connection } from "../src/connection.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { byGrant, claimOf, newNamespace } from "./instance.ts";

const logger = { debug() {}, info() {}, warn() {}, error() {} };

it("a doubt that comes up in the moment the server was made sure of fails no request", async () => {
  const connection = new Connection({ redisUrl: process.env["LOCK_TEST_REDIS_URL"] }, 5_000);
  await connection.open("locking-redis", logger, []);
  try {
    const bucket = new Bucket(connection, new KeyLayout(newNamespace()), "", "process", null);
    await bucket.open();
    const callers = Array.from({ length: 12 }, async (_, hops) => {
      for (let n = 0; n < 40; n += 1) {
        const [reply] = await bucket.take([claimOf({ keys: [`${hops} ${n}`] })]);
        if (reply?.status !== "granted") throw new Error(`${hops} ${n} was ${reply?.status}`);
        // A push told of a greater token than the replies under way will bring: maybe the server lost some.
        bucket.see(Number(reply.token) + 5);
        for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      }
    });
    expect((await Promise.allSettled(callers)).filter(({ status }) => status === "rejected")).toEqual([]);
  } finally {
    await connection.close();
  }
});

it("a grant that another server doesn't have is confirmed by nobody else's, where several hold the key", async () => {
  const connection = new Connection({ redisUrl: process.env["LOCK_TEST_REDIS_URL"] }, 5_000);
  await connection.open("locking-redis", logger, []);
  try {
    const replicas = { min: 0, timeout: 1 };
    const bucket = new Bucket(connection, new KeyLayout(newNamespace()), "", "process", replicas);
    await bucket.open();
    for (const limit of [1, 2, Infinity]) {
      const keys = [`k${limit}`];
      const [kept, gone] = [claimOf({ keys, limit }), claimOf({ keys, limit })];
      const grants = [kept, gone].map((claim) => ({ ...claim, grantId: claim.id }));
      await bucket.take([kept, gone]);
      await bucket.release([byGrant(gone.id, keys)]);
      expect(await bucket.confirm(grants)).toEqual([null, expect.any(Error)]);
    }
  } finally {
    await connection.close();
  }
});
