import type { LockStore } from "@lock/core";
import { ReferenceStore } from "../broken/references/reference-store.ts";

/** Says that it excludes between processes, but each has a world of its own. */
export default class LonelyStore extends ReferenceStore {
  override readonly capabilities: LockStore["capabilities"] = {
    ...new ReferenceStore().capabilities,
    scope: "shared",
  };
}
