import { startRedisSentinel } from "@lock/testkit/containers";
import { describeConformance } from "@lock/testkit/vitest";
import { afterAll } from "vitest";
import { documentedRights, restricted } from "./rights.ts";
import { sentinelVariable } from "./sentinel-subject.ts";

const sentinel = await startRedisSentinel();
afterAll(() => sentinel.close(), 30_000);
process.env[sentinelVariable] = JSON.stringify(sentinel.options);
const rights = await documentedRights("testkit-", "server");
await Promise.all(
  sentinel.nodes.map((node) => node.command("ACL", "SETUSER", restricted.username, ...rights)),
);

await describeConformance({ subject: new URL("./sentinel-subject.ts", import.meta.url) });
