export type { Container } from "./container.ts";
export { startPgBouncer, type PgBouncer, type PgBouncerOptions } from "./pgbouncer.ts";
export { startPostgres, type PostgresOptions, type PostgresServer } from "./postgres.ts";
export { startRedisCluster, type RedisCluster, type RedisClusterOptions } from "./redis-cluster.ts";
export type { RedisNode } from "./redis-node.ts";
export { startRedisSentinel, type RedisSentinel, type RedisSentinelOptions } from "./redis-sentinel.ts";
export { startRedis, type RedisOptions, type RedisServer } from "./redis.ts";
