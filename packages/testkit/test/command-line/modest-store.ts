import type { LockStore } from "@lock/core";
import { ReferenceStore } from "../broken/references/reference-store.ts";

/** Does more than it says. */
export default class ModestStore extends ReferenceStore {
  override readonly capabilities: LockStore["capabilities"] = {
    ...new ReferenceStore().capabilities,
    fencing: false,
    limits: false,
    fifo: false,
    push: false,
    inspect: false,
  };
}
