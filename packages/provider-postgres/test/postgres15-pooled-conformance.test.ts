import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { pooledServer } from "./pooled-server.ts";
import { startPostgres15, testVersion15 } from "./server-15.ts";

const server = await pooledServer({ default_pool_size: 3 }, startPostgres15);
process.env["LOCK_TEST_POSTGRES_URL"] = server.pooler.url;
afterAll(() => server[Symbol.asyncDispose]());

testVersion15(server.url);
await describeConformance({ subject: new URL("./pooled-subject.ts", import.meta.url) });
