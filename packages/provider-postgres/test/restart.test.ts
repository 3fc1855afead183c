import { startPostgres, type PostgresServer } from "@lock/testkit/containers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../src/migrate.ts";
import { crewOf } from "./crew.ts";
import { newId } from "./instance.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  await migrate(server.url);
}, 60_000);
afterAll(() => server?.close());

test.each(["session", "rows"] as const)(
  "a server that is killed and started again twice: all go on without anyone's doing, and no key is held twice, mode: %s",
  async (mode) => {
    await using crew = await crewOf(mode, server.url, newId());
    const pause = (milliseconds: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, milliseconds));
    const restarts = (async () => {
      for (let turn = 0; turn < 2; turn += 1) {
        await pause(700);
        await server.stop();
        await pause(300);
        await server.start();
      }
      // Each comes to its turn again.
      const ran = crew.endings.get("ran") ?? 0;
      await expect.poll(() => (crew.endings.get("ran") ?? 0) - ran, { timeout: 15_000 }).toBeGreaterThan(24);
    })();
    await crew.compete(restarts);
    await crew.conclude();
    const allowed = ["ran", "LOCK_LOST"];
    expect([...crew.endings.keys()].filter((ending) => !allowed.includes(ending))).toEqual([]);
  },
  60_000,
);
