import { describeConformance } from "@lock/testkit/vitest";

await describeConformance({ subject: new URL("./subject.ts", import.meta.url) });
