import { expect, onTestFinished, test, vi } from "vitest";
import { Connection } from "../src/connection.ts";
import { heldKey } from "./held-key.ts";
import { claimOf } from "./instance.ts";
import { twoInstances } from "./two-instances.ts";

const both = twoInstances();

/** Calls these around the second statement of the first connection that is used from now on. */
function aroundSecondStatement(before: () => Promise<void>, after: () => Promise<void>): void {
  const query = Connection.prototype.query;
  let statements = 0;
  const spy = vi.spyOn(Connection.prototype, "query").mockImplementation(async function (
    this: Connection,
    call,
  ) {
    if (this !== spy.mock.contexts[0] || ++statements !== 2) return query.call(this, call);
    await before();
    const rows = await query.call(this, call);
    await after();
    return rows;
  });
  onTestFinished(() => spy.mockRestore());
}

const first = () => claimOf({ ownerId: "o", lease: Infinity });
const wider = () => claimOf({ ownerId: "o", lease: Infinity, keys: ["a", "b"] });

test("a grant that is released while it is brought back and taken over again stays released", async () => {
  const { one, other } = both;
  const [held, second, third] = [first(), wider(), wider()];
  await one.take(held);
  await one.take(second);
  const withdraw = (id: string) =>
    other.release({ by: "claim", claimId: id, keys: ["a", "b"], tombstone: true });
  aroundSecondStatement(
    async () => void (await withdraw(second.id)),
    async () => void (await other.take(third)),
  );
  await one.release({ by: "grant", grantId: held.id, keys: ["a"], tombstone: false });
  await withdraw(third.id);
  expect(await one.store.inspect(["a"])).toMatchObject([{ holders: [] }]);
});

test("and so does one that is taken over again while its release waits for the key", async () => {
  const { one, other, database } = both;
  const [held, second, third] = [first(), wider(), wider()];
  await one.take(held);
  const key = await heldKey(database);
  await one.take(second);
  const withdraw = (id: string) =>
    other.release({ by: "claim", claimId: id, keys: ["a", "b"], tombstone: true });
  let taking: Promise<unknown> | undefined;
  let letBy: Promise<unknown> | undefined;
  aroundSecondStatement(
    async () => {
      await withdraw(second.id);
      await key.hold();
      taking = other.take(third);
      await key.awaitedBy(1);
      letBy = key.awaitedBy(2).then(() => key.letGo());
    },
    async () => {},
  );
  await one.release({ by: "grant", grantId: held.id, keys: ["a"], tombstone: false });
  await letBy;
  await taking;
  await withdraw(third.id);
  expect(await one.store.inspect(["a"])).toMatchObject([{ holders: [] }]);
});
