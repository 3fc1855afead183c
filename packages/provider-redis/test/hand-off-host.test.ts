import { expect, it } from "vitest";
import type { Bucket } from "../src/bucket.ts";
import type { Connection } from "../src/connection.ts";
import { handOffHost } from "../src/hand-off/host.ts";

it("a grant that is given back again, since the first answer was cut off, was not gone before", async () => {
  const answers = [
    () => Promise.reject(new Error("cut")),
    () => Promise.resolve([{ status: "released", freed: false }]),
  ];
  const bucket = { release: () => answers.shift()!() } as unknown as Bucket;
  const given = {
    grantId: "grant",
    key: "a",
    tombstone: false,
    noted: true,
    until: performance.now() + 30_000,
  };
  const host = handOffHost(bucket, { closed: false } as Connection, () => 0, 5_000);
  expect(await host.giveBack(given)).toEqual({
    status: "released",
    freed: true,
  });
});
