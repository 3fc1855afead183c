import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { urlVariable } from "../broken.ts";
import { backendKinds } from "../catalogue/backend-kinds.ts";
import { serve } from "./serve.ts";

const server = await serve(backendKinds);
process.env[urlVariable] = server.url;
afterAll(() => server.close());

const subject = (name: string): URL => new URL(`./${name}-subject.ts`, import.meta.url);

await describeConformance({ subject: subject("store") });
await describeConformance({ subject: subject("class") });
// What the store is not asked for in one process; sentences on processes that some of the broken break are tried beside them.
await describeConformance({ subject: subject("served"), only: ["service", "push", "store", "faults"] });
