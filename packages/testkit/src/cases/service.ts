import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

export const serviceCases: readonly ConformanceCase[] = area("service", [
  {
    name: "two instances of a process-scoped provider are worlds of their own",
    requires: { scope: "process" },
    run: async ({ locking, connect }) => {
      const other = await connect();
      await locking.acquire("k", { ownerId: "u" });
      await other.acquire("k", { ownerId: "v" });
      await other.releaseAll();
      assert.equal(await locking.release("k", { ownerId: "u" }), true);
    },
  },
  {
    name: "two instances in one namespace share their locks",
    requires: { scope: "shared" },
    run: async ({ locking, connect }) => {
      const other = await connect();
      await locking.acquire("k", { ownerId: "u" });
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k", { ownerId: "v" }));
      assert.equal(await other.release("k", { ownerId: "u" }), true);
    },
  },
  {
    name: "two instances in one process keep their waiters apart: each call ends once, as its own",
    requires: { scope: "shared" },
    run: async (world) => {
      const services = [world.locking, await world.connect(), await world.connect()];
      const holder = await world.hold("k");
      const calls = services.flatMap((service, which) =>
        [0, 1].map(async (index) => await service.execute("k", () => `${which}.${index}`, { timeout: "5s" })),
      );
      // One may end before it is looked at.
      for (const call of calls) call.catch(() => {});
      await world.untilWaiting("k", 6);
      await holder.free();
      assert.deepEqual(await Promise.all(calls), ["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]);
    },
  },
  {
    name: "a provider that connects to a backend says so, with the id that it is registered under",
    requires: { scope: "shared" },
    run: async ({ connect }) => {
      const lines: string[] = [];
      const ignore = (): void => {};
      const logger = {
        debug: ignore,
        info: (line: string) => void lines.push(line),
        warn: ignore,
        error: ignore,
      };
      const service = await connect({ logger });
      const { message } = await refusal("LOCK_CONFIG", service.release("k", { provider: "lp_nowhere" }));
      const [id] = [...message.matchAll(/lp_([\w-]+)/g)].flatMap(([, name]) =>
        name === "nowhere" ? [] : [name],
      );
      assert.ok(id !== undefined, message);
      assert.ok(
        lines.some((line) => /established/i.test(line) && line.includes(`"${id}"`)),
        `Expected logger.info to be told 'Connection to … in "${id}" provider established', not only ${JSON.stringify(lines)}`,
      );
    },
  },
]);
