import type { Duration, Locking } from "@lock/core";
import { randomBytes } from "node:crypto";
import { RemoteError, startProcess } from "../processes/child-process.ts";
import type { PreparedSuite } from "../suite/prepare.ts";
import { connectSubject } from "../world/connect-subject.ts";
import type { Seen } from "./understatements.ts";

/** What holds between processes, and after the death of one, that the manifest does not say. */
export async function askProcesses({ subject, module, manifest }: PreparedSuite): Promise<Seen> {
  const { scope, crashRelease } = manifest;
  if (scope === "shared" && crashRelease === "session") return {};
  const namespace = `testkit-${randomBytes(8).toString("hex")}`;
  const { locking } = await connectSubject(subject, namespace);
  const other = await startProcess({ subject: module, namespace, name: "other", clockShift: 0 });
  try {
    if (scope === "process") {
      await locking.acquire("scope", { expire: "5s" });
      const refused = await other.acquire("scope", { expire: "5s" }).then(
        () => false,
        (error: unknown) => error instanceof RemoteError && error.code === "LOCK_NOT_ACQUIRED",
      );
      return refused ? { scope: "another process was refused what this one held" } : {};
    }
    await other.execute("session", { expire: "20s" }).granted;
    await other.execute("lease", { expire: "1s" }).granted;
    await other.kill();
    if (await isFreeWithin("1s", "session", locking)) {
      return { crashRelease: `a killed process's lock was free within 1 s, long before its lease ended` };
    }
    if (crashRelease === "never" && (await isFreeWithin("3s", "lease", locking))) {
      return { crashRelease: `a killed process's lock was free when its lease had ended` };
    }
    return {};
  } finally {
    await other.kill();
    await locking.releaseAll();
    await locking.close();
  }
}

async function isFreeWithin(timeout: Duration, key: string, locking: Locking): Promise<boolean> {
  return await locking.acquire(key, { awaitQueue: true, timeout, expire: "5s" }).then(
    () => true,
    () => false,
  );
}
