// Run by `node --test`, not by Vitest.
import { testConformance } from "@lock/testkit/node-test";

await testConformance({
  subject: new URL(process.env["SUBJECT"] ?? "", import.meta.url),
  only: ["release", "processes"],
});
