import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { migratedDatabase } from "./database.ts";

const database = await migratedDatabase();
process.env["LOCK_TEST_POSTGRES_URL"] = database.url;
afterAll(() => database[Symbol.asyncDispose]());

await describeConformance({ subject: new URL("./session-subject.ts", import.meta.url) });
