import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { isLockError } from "../src/contract/errors.ts";
import type { Binding, Claim, Release, ReleaseReply, TakeReply } from "../src/contract/lock-store.ts";
import type { Lock } from "../src/contract/lock.ts";
import type { Locking } from "../src/contract/locking.ts";
import { createLocking } from "../src/service/create-locking.ts";
import { deferred } from "./deferred.ts";
import { outcomeOf } from "./outcome.ts";
import { PlainStore, plainProvider } from "./plain-store.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const transactionManager = { query: true };
const context = { transactionManager };

class BindingStore extends PlainStore {
  override capabilities = { ...new PlainStore().capabilities, transactions: true };
  readonly claims: Claim[] = [];
  readonly bindings: Binding[] = [];
  readonly releases: Release[] = [];
  refusal: Error | undefined;

  override take(claims: readonly Claim[]): TakeReply[] {
    this.claims.push(...claims);
    return super.take(claims);
  }

  bind(binding: Binding): void | Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.bindings.push(binding);
  }

  override release(releases: readonly Release[]): ReleaseReply[] {
    this.releases.push(...releases);
    return super.release(releases);
  }
}

async function serviceOver(store: PlainStore): Promise<Locking> {
  return createLocking({ providers: [plainProvider({ store })], logger: silent });
}

test("a grant for a transaction is bound to it, and given back by nothing but its end", async () => {
  const store = new BindingStore();
  const locking = await serviceOver(store);
  const lock = await locking.acquire("k", { ownerId: "u", expire: 1 }, context);
  expect(store.claims).toMatchObject([{ ownerId: null, kind: "execute", transaction: transactionManager }]);
  expect(store.bindings).toEqual([
    { grantId: store.claims[0]?.id, keys: ["k"], transaction: transactionManager },
  ]);
  expect(lock.ownerId).toBe("u");
  expect(lock.remaining()).toBe(Infinity);
  await lock.extend(1);
  expect(lock.remaining()).toBe(Infinity);
  expect(await lock.release()).toBe(false);
  expect(await locking.execute("k", () => "ran", {}, context)).toBe("ran");
  await locking.close();
  expect(await lock.release()).toBe(false);
  expect(store.releases).toEqual([]);
});

test("where it can't be bound the claim is withdrawn and no job runs", async () => {
  const store = new BindingStore();
  store.refusal = new Error("no");
  const locking = await serviceOver(store);
  let ran = false;
  await expect(locking.execute("k", () => void (ran = true), {}, context)).rejects.toMatchObject({
    code: "LOCK_UNAVAILABLE",
  });
  expect(ran).toBe(false);
  await locking.close();
  expect(store.releases).toMatchObject([{ by: "claim", claimId: store.claims[0]?.id, tombstone: true }]);
});

test("a signal that aborts while it is bound ends the call with its reason, and withdraws", async () => {
  const store = new BindingStore();
  const locking = await serviceOver(store);
  const stopped = new AbortController();
  const reason = new Error("enough");
  store.bind = () => stopped.abort(reason);
  expect(await outcomeOf(locking.acquire("k", { signal: stopped.signal }, context))).toEqual({
    error: reason,
  });
  await locking.close();
  expect(store.releases).toMatchObject([{ by: "claim" }]);
});

test("closed while it is bound, the call gets LOCK_CLOSED and no job runs", async () => {
  const store = new BindingStore();
  const [asked, bound] = [deferred(), deferred()];
  const locking = await serviceOver(store);
  store.bind = () => {
    asked.resolve();
    return bound.promise;
  };
  let ran = false;
  const outcome = outcomeOf(locking.execute("k", () => void (ran = true), {}, context));
  await asked.promise;
  const closing = locking.close();
  bound.resolve();
  await closing;
  expect(await outcome).toMatchObject({ error: { code: "LOCK_CLOSED", keys: ["k"] } });
  expect(ran).toBe(false);
});

test("close waits for a job whose lock lives with a transaction", async () => {
  const store = new BindingStore();
  const locking = await serviceOver(store);
  const [started, job] = [deferred(), deferred<string>()];
  const outcome = outcomeOf(
    locking.execute(
      "k",
      () => {
        started.resolve();
        return job.promise;
      },
      {},
      context,
    ),
  );
  await started.promise;
  const closing = locking.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(store.closed).toBe(0);
  job.resolve("done");
  expect(await outcome).toEqual({ value: "done" });
  await closing;
  expect(store.closed).toBe(1);
});

test("releasing with a transactionManager is LOCK_UNSUPPORTED, and so is all of it without bind", async () => {
  const locking = await serviceOver(new BindingStore());
  const unsupported = { code: "LOCK_UNSUPPORTED" };
  await expect(locking.release("k", {}, context)).rejects.toMatchObject(unsupported);
  await expect(locking.releaseAll({}, context)).rejects.toMatchObject(unsupported);
  await locking.close();
  const without = new PlainStore();
  without.capabilities = { ...without.capabilities, transactions: true };
  const plain = await serviceOver(without);
  await expect(plain.acquire("k", {}, context)).rejects.toMatchObject(unsupported);
  await plain.close();
});

test("no job begins that close did not know of, however close it was to beginning", async () => {
  for (let ticks = 0; ticks < 25; ticks += 1) {
    const store = new BindingStore();
    const locking = await serviceOver(store);
    let closing: Promise<void> | undefined;
    store.bind = async () => {
      await Promise.resolve();
      void (async () => {
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
        closing = locking.close({ drain: 0 });
      })();
    };
    let told = true;
    const job = async ({ signal }: Lock): Promise<void> => {
      await pause(20);
      if (closing !== undefined) told = signal.aborted;
    };
    const outcome = await outcomeOf(locking.execute("k", job, {}, context));
    await closing;
    const ended = "value" in outcome || isLockError(outcome.error, "LOCK_CLOSED");
    expect({ ticks, told, ended }).toEqual({ ticks, told: true, ended: true });
  }
});
