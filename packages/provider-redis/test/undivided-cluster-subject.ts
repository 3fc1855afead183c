import { defineSubject, type Subject } from "@lock/testkit";
import { redisProvider } from "../src/index.ts";
import { clusterOf } from "./cluster-subject.ts";

const subject: Subject = defineSubject({
  name: "@lock/provider-redis on a cluster, in one bucket",
  create: ({ namespace, env }) => redisProvider({ redisCluster: clusterOf(env), shards: 1, namespace }),
});
export default subject;
