import { expect, it } from "vitest";
import { Bucket } from "../src/bucket.ts";
import { Connection } from "../src/connection.ts";
import { KeyLayout } from "../src/key-layout.ts";
import { claimOf, newNamespace } from "./instance.ts";

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
