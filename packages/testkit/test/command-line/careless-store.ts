import { ReferenceStore } from "../broken/references/reference-store.ts";

/** Frees whatever is held, whoever asks. */
export default class CarelessStore extends ReferenceStore {
  override isOwners(): boolean {
    return true;
  }
}
