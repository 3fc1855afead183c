import { defineProvider } from "@lock/core";
import type { Subject, SubjectWorld } from "@lock/testkit";
import { BrokenStore } from "./broken-store.ts";
import { defects, type Defect } from "./defects.ts";

/** The provider with a defect, as the suite is given it. */
export function subjectOf(defect: Defect): Subject {
  const store = ({ namespace, env }: SubjectWorld): BrokenStore =>
    new BrokenStore(env["LOCK_TEST_REDIS_URL"] ?? "", namespace, defect);
  return {
    name: defect.defect,
    store,
    create: (world) => defineProvider({ identifier: "broken", store: store(world) }),
  };
}

// Child processes load this module with the number of a defect.
const chosen: Subject = subjectOf(defects[Number(new URL(import.meta.url).searchParams.get("n"))]!);
export default chosen;
