import type { LockingProvider, LockStore, ProviderCapabilities } from "@lock/core";
import { randomBytes } from "node:crypto";
import type { Subject, SubjectWorld } from "../subject.ts";
import type { PreparedSuite } from "../suite/prepare.ts";
import { within } from "../world/bounded.ts";
import { connectSubject } from "../world/connect-subject.ts";
import { askClass } from "./ask-class.ts";
import { askProcesses } from "./ask-processes.ts";
import { askStore } from "./ask-store.ts";

/** What was seen to work although the manifest does not say so. */
export type Seen = Partial<Record<keyof ProviderCapabilities, string>>;

/**
 * Looks for what a provider does beyond its manifest, as far as that can be seen without harm: below the service, which
 * refuses what is not declared. Each answer is a note, since to claim less is nobody's loss but the claimant's.
 */
export async function findUnderstatements(suite: PreparedSuite): Promise<readonly string[]> {
  const { subject, manifest } = suite;
  const asked = await Promise.all([
    attempt(async () => await ofStore(subject, manifest)),
    attempt(async () => await ofClass(subject, manifest)),
    attempt(async () => await askProcesses(suite)),
  ]);
  const seen: Seen = { ...asked[0], ...asked[1], ...asked[2] };
  if (!manifest.transactions && subject.transaction !== undefined) {
    seen.transactions = "the subject opens transactions";
  }
  return Object.entries(seen).map(([name, what]) => {
    const declared = JSON.stringify(manifest[name as keyof ProviderCapabilities]);
    return `The manifest says ${name}: ${declared}, but ${what}. Declare it, and it is tested.`;
  });
}

async function ofStore(subject: Subject, manifest: ProviderCapabilities): Promise<Seen> {
  const store: LockStore | undefined = await subject.store?.(somewhere());
  if (store === undefined) return {};
  try {
    return await askStore(store, manifest);
  } finally {
    await store.releaseAll(null);
    await store.close?.();
  }
}

async function ofClass(subject: Subject, manifest: ProviderCapabilities): Promise<Seen> {
  const { locking, instance } = await connectSubject(subject, somewhere().namespace);
  try {
    return instance === undefined ? {} : await askClass(instance as LockingProvider, manifest);
  } finally {
    await locking.releaseAll();
    await locking.close();
  }
}

function somewhere(): SubjectWorld {
  return { namespace: `testkit-${randomBytes(8).toString("hex")}`, env: process.env };
}

/** What can't be asked was not seen. */
async function attempt(ask: () => Promise<Seen>): Promise<Seen> {
  try {
    return await within(15_000, "an answer", ask());
  } catch {
    return {};
  }
}
