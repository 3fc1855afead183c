import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { refusal } from "../world/rejection.ts";

export const sharedContextCases: readonly ConformanceCase[] = area("sharedContext", [
  {
    name: "a transactionManager is LOCK_UNSUPPORTED where the manifest does not say transactions",
    requires: { transactions: false },
    run: async ({ locking }) => {
      const context = { transactionManager: {} };
      await refusal(
        "LOCK_UNSUPPORTED",
        locking.execute("k", () => assert.fail("the job ran"), {}, context),
      );
      await refusal("LOCK_UNSUPPORTED", locking.acquire("k", {}, context));
      await locking.acquire("k");
      await refusal("LOCK_UNSUPPORTED", locking.release("k", {}, context));
      await refusal("LOCK_UNSUPPORTED", locking.releaseAll({}, context));
      assert.equal(await locking.release("k"), true);
    },
  },
  {
    name: "other members are ignored",
    run: async ({ locking }) => {
      const context = { requestId: "r", transactionManager: undefined };
      assert.equal(await locking.execute("k", () => "ran", {}, context), "ran");
      await locking.acquire("k", {}, context);
      assert.equal(await locking.release("k", {}, context), true);
      await locking.releaseAll({}, context);
    },
  },
  {
    name: "with a transactionManager a lock lives exactly as long as the transaction: to its commit",
    requires: { transactions: true },
    run: async (world) => {
      const { transactionManager, commit } = await world.transaction();
      const other = await world.connect();
      assert.equal(await world.locking.execute("a", () => "ran", {}, { transactionManager }), "ran");
      await world.locking.acquire("b", { ownerId: "u" }, { transactionManager });
      for (const key of ["a", "b"]) await refusal("LOCK_NOT_ACQUIRED", other.acquire(key, { ownerId: "v" }));
      await commit();
      await other.acquire(["a", "b"], { ownerId: "v" });
    },
  },
  {
    name: "with a transactionManager a lock lives exactly as long as the transaction: to its rollback",
    requires: { transactions: true },
    run: async (world) => {
      const { transactionManager, rollback } = await world.transaction();
      const other = await world.connect();
      await world.locking.acquire("k", {}, { transactionManager });
      await refusal("LOCK_NOT_ACQUIRED", other.acquire("k"));
      await rollback();
      await other.acquire("k");
    },
  },
]);
