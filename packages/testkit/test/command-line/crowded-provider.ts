import { defineProvider, type LockStore, type Provider } from "@lock/core";
import { ReferenceStore } from "../broken/references/reference-store.ts";

class SharedStore extends ReferenceStore {
  override readonly capabilities: LockStore["capabilities"] = {
    ...new ReferenceStore().capabilities,
    scope: "shared",
  };
}
const store = new SharedStore();

/** Takes no notice of the namespace that it is given. */
export default function crowdedProvider(): Provider {
  return defineProvider({ identifier: "crowded", store });
}
