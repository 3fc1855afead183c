import type { Cluster, Redis } from "ioredis";
import { expect, onTestFinished } from "vitest";

/** A client that says nothing about what the test does to its server, and ends with it. */
export function quiet<T extends Redis | Cluster>(client: T): T {
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

export async function eventually(what: () => Promise<boolean>): Promise<void> {
  await expect.poll(async () => what().catch(() => false), { timeout: 30_000, interval: 50 }).toBe(true);
}
