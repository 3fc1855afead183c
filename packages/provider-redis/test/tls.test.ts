import type { RedisContainer } from "@testcontainers/redis";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { byGrant, claimOf, instance, newNamespace } from "./instance.ts";
import { ownRedis } from "./own-server.ts";

const pem = async (name: string): Promise<string> =>
  readFile(new URL(`./tls/${name}.pem`, import.meta.url), "utf8");

let server: Awaited<ReturnType<RedisContainer["start"]>>;
let ca: string;
beforeAll(async () => {
  ca = await pem("certificate");
  const files = [
    { content: ca, target: "/tmp/certificate.pem", mode: 0o644 },
    { content: await pem("key"), target: "/tmp/key.pem", mode: 0o644 },
  ];
  const certificate = ["--tls-cert-file", "/tmp/certificate.pem", "--tls-key-file", "/tmp/key.pem"];
  const tls = ["--tls-port", "6380", ...certificate, "--tls-auth-clients", "no"];
  server = await ownRedis((container) =>
    container
      .withCopyContentToContainer(files)
      .withExposedPorts(6379, 6380)
      .withCommand(["redis-server", "--protected-mode", "no", ...tls]),
  );
}, 60_000);
afterAll(() => server?.stop(), 30_000);

it("locks over TLS, on the connection for commands and on the one for wake-ups", async () => {
  const redisUrl = `rediss://localhost:${server.getMappedPort(6380)}`;
  await using one = await instance({ redisUrl, redisOptions: { tls: { ca }, family: 4 } });
  const [held, waiter] = [claimOf({}), claimOf({})];
  await one.take(held);
  await one.take(waiter);
  await one.release(byGrant(held.id));
  await one.handedTo(waiter.id);
});

it("a certificate that nobody vouches for is LOCK_UNAVAILABLE, and the message says so", async () => {
  const redisUrl = `rediss://localhost:${server.getMappedPort(6380)}`;
  const untrusting = instance({ redisUrl, redisOptions: { family: 4 }, namespace: newNamespace() });
  await expect(untrusting).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
    message: expect.stringMatching(/self.signed certificate/) as string,
  });
});
