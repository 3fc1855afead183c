import { describeConformance } from "@lock/testkit/vitest";

await describeConformance({ subject: new URL("./reference-subject.ts", import.meta.url) });
