import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { migrate } from "../src/migrate.ts";
import { startPostgres15, testVersion15 } from "./server-15.ts";

const server = await startPostgres15();
afterAll(() => server.close());
await migrate(server.url);
process.env["LOCK_TEST_POSTGRES_URL"] = server.url;

testVersion15(server.url);
await describeConformance({ subject: new URL("./rows-subject.ts", import.meta.url) });
