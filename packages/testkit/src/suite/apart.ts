import { isLockError, type Locking } from "@lock/core";
import { randomBytes } from "node:crypto";
import type { Subject } from "../subject.ts";
import { connectSubject } from "../world/connect-subject.ts";

/**
 * Refuses a subject whose instances don't keep to their namespaces, before any case frees "all of its own" there and so
 * everything that anybody has in that backend.
 */
export async function assertApart(subject: Subject, locking: Locking): Promise<void> {
  const key = `testkit-${randomBytes(8).toString("hex")}`;
  const elsewhere = await connectSubject(subject, key);
  const args = { ownerId: key, expire: "5s" } as const;
  try {
    await locking.acquire(key, args);
    await elsewhere.locking.acquire(key, { ...args, ownerId: `${key}-elsewhere` });
    await elsewhere.locking.release(key, { ownerId: `${key}-elsewhere` });
    await locking.release(key, args);
  } catch (error) {
    // What else goes wrong is for the cases to tell.
    if (!isLockError(error, "LOCK_NOT_ACQUIRED")) return;
    await locking.release(key, args);
    throw new TypeError(
      "Two instances in different namespaces share their locks: make each keep to the `namespace` that it is given",
      { cause: error },
    );
  } finally {
    await elsewhere.locking.close();
  }
}
