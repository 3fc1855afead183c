import assert from "node:assert/strict";
import { area, type ConformanceCase } from "../suite/conformance-case.ts";
import { deferred } from "../world/deferred.ts";
import { until, within } from "../world/bounded.ts";
import { refusal } from "../world/rejection.ts";

const never = (): void => assert.fail("the inner job ran");

export const reentrancyCases: readonly ConformanceCase[] = area("reentrancy", [
  {
    name: "execute on a key that an enclosing execute holds is refused at once with LOCK_REENTRANT",
    run: async ({ locking }) => {
      await locking.execute("k", async () => {
        await within(500, "LOCK_REENTRANT", refusal("LOCK_REENTRANT", locking.execute("k", never)));
      });
    },
  },
  {
    name: "so is an acquire that would wait",
    run: async ({ locking }) => {
      await locking.execute("k", async () => {
        const call = locking.acquire("k", { awaitQueue: true, ownerId: "u" });
        await within(500, "LOCK_REENTRANT", refusal("LOCK_REENTRANT", call));
      });
    },
  },
  {
    name: "an acquire that does not wait is refused as anyone's",
    run: async ({ locking }) => {
      await locking.execute("k", async () => {
        await refusal("LOCK_NOT_ACQUIRED", locking.acquire("k"));
      });
    },
  },
  {
    name: "one key of many in common is enough",
    run: async ({ locking }) => {
      await locking.execute(["a", "b"], async () => {
        await refusal("LOCK_REENTRANT", locking.execute(["b", "c"], never));
        await refusal("LOCK_REENTRANT", locking.execute("a", never));
      });
    },
  },
  {
    name: "whatever the limits",
    requires: { limits: true },
    run: async ({ locking }) => {
      for (const limit of [2, Infinity]) {
        await locking.execute(
          "k",
          async () => {
            await refusal("LOCK_REENTRANT", locking.execute("k", never, { limit }));
            await refusal("LOCK_REENTRANT", locking.execute("k", never));
          },
          { limit },
        );
      }
    },
  },
  {
    name: "the chain is followed through awaits, timers and nested calls",
    run: async ({ locking }) => {
      await locking.execute("outer", async () => {
        await locking.execute("inner", async () => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          await Promise.all([
            refusal("LOCK_REENTRANT", locking.execute("outer", never)),
            refusal("LOCK_REENTRANT", locking.execute("inner", never)),
          ]);
        });
        // What the chain does not hold any more is no obstacle.
        assert.equal(await locking.execute("inner", () => "ran"), "ran");
      });
    },
  },
  {
    name: "another key is free to take",
    run: async ({ locking }) => {
      const result = await locking.execute("a", async () => await locking.execute(["b", "c"], () => "ran"));
      assert.equal(result, "ran");
    },
  },
  {
    name: "calls side by side are no chain",
    run: async ({ locking }) => {
      const calls = [1, 2, 3].map(async () => await locking.execute("k", () => "ran", { timeout: "5s" }));
      assert.deepEqual(await Promise.all(calls), ["ran", "ran", "ran"]);
    },
  },
  {
    name: "a service with a provider instance of its own waits as a stranger",
    requires: { scope: "shared" },
    run: async ({ locking, connect }) => {
      const other = await connect();
      await locking.execute("k", async () => {
        await refusal("LOCK_TIMEOUT", other.execute("k", never, { timeout: "300ms" }));
      });
    },
  },
  {
    name: "what the enclosing execute has lost it holds no longer: it may be taken anew",
    run: async ({ locking }) => {
      let inner = "";
      const outer = locking.execute(
        "k",
        async ({ signal }) => {
          await locking.releaseAll();
          await until("its signal to abort", () => signal.aborted, 1_500);
          inner = await locking.execute("k", () => "ran");
        },
        { expire: "600ms" },
      );
      await refusal("LOCK_LOST", outer);
      assert.equal(inner, "ran");
    },
  },
  {
    name: "work that outlives the job is free",
    run: async ({ locking }) => {
      const ended = deferred();
      const outliving = await locking.execute("k", () => {
        const work = async (): Promise<string> => {
          await ended.promise;
          return await locking.execute("k", () => "ran");
        };
        return { work: work() };
      });
      ended.resolve();
      assert.equal(await outliving.work, "ran");
    },
  },
]);
