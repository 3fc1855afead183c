import { testConformance } from "@lock/testkit/node-test";

await testConformance({ subject: new URL("./subject.ts", import.meta.url) });
