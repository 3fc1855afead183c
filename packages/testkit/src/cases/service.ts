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
      await world.untilWaiting("k", 6);
      await holder.free();
      assert.deepEqual(await Promise.all(calls), ["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]);
    },
  },
]);
