import { defineSubject, type Subject } from "@lock/testkit";
import { redisProvider } from "../src/index.ts";
import { nodesVariable } from "./cluster-subject.ts";

const subject: Subject = defineSubject({
  name: "@lock/provider-redis on a cluster, in one bucket",
  create: ({ namespace, env }) =>
    redisProvider({ redisCluster: { nodes: (env[nodesVariable] ?? "").split(" ") }, shards: 1, namespace }),
});
export default subject;
