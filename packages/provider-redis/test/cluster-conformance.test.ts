import { startRedisCluster } from "@lock/testkit/containers";
import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { nodesVariable } from "./cluster-subject.ts";
import { documentedRights, restricted } from "./rights.ts";

const cluster = await startRedisCluster();
afterAll(() => cluster.close(), 30_000);
process.env[nodesVariable] = cluster.urls.join(" ");
const rights = await documentedRights("testkit-", "server", "cluster");
await Promise.all(
  cluster.nodes.map((node) => node.command("ACL", "SETUSER", restricted.username, ...rights)),
);

// All but what happens within a process, whatever the backend is (durations, reentrancy, closing and the like).
await describeConformance({
  subject: new URL("./cluster-subject.ts", import.meta.url),
  only: [
    ...["keys", "owners", "limit", "order", "acquire", "reacquire", "timeout", "signal", "execute", "lost"],
    ...[
      "release",
      "releaseAll",
      "inspect",
      "handle",
      "extend",
      "fencing",
      "push",
      "chance",
      "store",
      "leftovers",
    ],
    ...["processes", "crashes"],
  ],
});

// In one bucket there is one order, also among claims on many keys.
await describeConformance({
  subject: new URL("./undivided-cluster-subject.ts", import.meta.url),
  only: ["order", "reacquire"],
});
