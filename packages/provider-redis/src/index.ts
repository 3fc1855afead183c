export type { RedisClient } from "./client.ts";
export type { RedisClusterClient, RedisClusterSource } from "./cluster-client.ts";
export { redisProvider, redisProvider as default, type RedisProviderOptions } from "./provider.ts";
export type { ReplicaOptions } from "./replication.ts";
