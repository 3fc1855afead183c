import { startRedisCluster } from "@lock/testkit/containers";
import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { nodesVariable } from "./cluster-subject.ts";

const cluster = await startRedisCluster();
afterAll(() => cluster.close(), 30_000);
process.env[nodesVariable] = cluster.urls.join(" ");

await describeConformance({ subject: new URL("./cluster-subject.ts", import.meta.url) });

// In one bucket there is one order, also among claims on many keys.
await describeConformance({
  subject: new URL("./undivided-cluster-subject.ts", import.meta.url),
  only: ["order", "limit", "reacquire", "fencing"],
});
