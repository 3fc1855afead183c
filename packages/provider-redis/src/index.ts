export type { RedisClient } from "./client.ts";
export type { RedisClusterClient, RedisClusterSource } from "./cluster-client.ts";
export type { HandoffTerms } from "./hand-off/terms.ts";
export { redisProvider, redisProvider as default, type RedisProviderOptions } from "./provider.ts";
export type { ReplicaOptions } from "./replication.ts";
