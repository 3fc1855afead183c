import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { pooledServer } from "./pooled-server.ts";

// As few connections to the server as PgBouncer can have: nothing of ours may hold on to one.
const server = await pooledServer({ default_pool_size: 3 });
process.env["LOCK_TEST_POSTGRES_URL"] = server.pooler.url;
afterAll(() => server[Symbol.asyncDispose]());

await describeConformance({ subject: new URL("./pooled-subject.ts", import.meta.url) });
