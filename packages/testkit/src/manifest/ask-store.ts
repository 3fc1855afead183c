import type { Claim, LockStore, ProviderCapabilities, StoreEvents, TakeReply } from "@lock/core";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { silent } from "../world/connect-subject.ts";
import type { Seen } from "./understatements.ts";

type Granted = TakeReply & { readonly status: "granted" };

/** What a store does that its manifest does not say. */
export async function askStore(store: LockStore, manifest: ProviderCapabilities): Promise<Seen> {
  const told = new Set<string>();
  const hear = (ids: Iterable<string>): void => {
    for (const id of ids) told.add(id);
  };
  const events: StoreEvents = {
    granted: ({ claimId }) => hear([claimId]),
    wake: hear,
    wakeAll: () => {},
    lost: () => {},
    lostAll: () => {},
  };
  await store.connect?.({ id: "store", logger: silent, events });
  const seen: Seen = {};
  if (!manifest.limits && (await counts(store))) seen.limits = "of a limit of 2 it let in two and no third";
  if (!manifest.fencing && (await numbers(store))) seen.fencing = "its grants carry tokens that increase";
  if (!manifest.inspect && (await shows(store))) seen.inspect = "it has an inspect() that tells who holds";
  if (!manifest.fifo) {
    const { inOrder, pushed } = await queues(store, told);
    if (inOrder) seen.fifo = "its waiters have their turn in the order in which they came";
    if (pushed && !manifest.push) seen.push = "it told a waiter of its turn before that one asked";
  }
  return seen;
}

async function counts(store: LockStore): Promise<boolean> {
  const replies = [];
  for (let turn = 0; turn < 3; turn++) replies.push(await take(store, { keys: ["limits"], limit: 2 }));
  return replies.map((reply) => reply.status).join() === "granted,granted,busy";
}

async function numbers(store: LockStore): Promise<boolean> {
  const tokens: (bigint | number | null)[] = [];
  for (const key of ["fencing", "fencing", "fencing too"]) {
    const claim = makeClaim({ keys: [key] });
    const reply = granted((await store.take([claim]))[0]);
    tokens.push(reply.token);
    await store.release([{ by: "grant", grantId: reply.grantId, keys: claim.keys, tombstone: false }]);
  }
  const [first, second, third] = tokens;
  return first != null && second != null && third != null && first < second && second < third;
}

async function shows(store: LockStore): Promise<boolean> {
  if (store.inspect === undefined) return false;
  await take(store, { keys: ["inspect"] });
  const states = await store.inspect(["inspect", "nobody's"]);
  return states.map((state) => state.holders.length).join() === "1,0";
}

async function queues(store: LockStore, told: Set<string>): Promise<{ inOrder: boolean; pushed: boolean }> {
  const keys = ["fifo"];
  const [holder, first, second] = [0, 1, 2].map(() => makeClaim({ keys, wait: true })) as [
    Claim,
    Claim,
    Claim,
  ];
  const ask = async (claim: Claim): Promise<string | undefined> => (await store.take([claim]))[0]?.status;
  const before = [await ask(holder), await ask(first), await ask(second)].join();
  if (before !== "granted,queued,queued") return { inOrder: false, pushed: false };
  await store.release([{ by: "grant", grantId: holder.id, keys, tombstone: false }]);
  await pause(300);
  const pushed = told.has(first.id) && !told.has(second.id);
  const after = [await ask(second), await ask(first)].join();
  return { inOrder: after === "queued,granted", pushed };
}

async function take(store: LockStore, claim: Partial<Claim>): Promise<TakeReply> {
  const [reply] = await store.take([makeClaim(claim)]);
  if (reply === undefined) throw new Error("no answer");
  return reply;
}

function granted(reply: TakeReply | undefined): Granted {
  if (reply?.status !== "granted") throw new Error(`not granted but ${reply?.status}`);
  return reply;
}

function makeClaim(claim: Partial<Claim>): Claim {
  const id = randomBytes(12).toString("hex");
  const alone = { ownerId: null, kind: "execute", limit: 1 } as const;
  return { id, keys: [], ...alone, lease: 5_000, keepLease: false, wait: false, ...claim };
}
