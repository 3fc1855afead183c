import { defineProvider } from "@lock/core";
import { defineSubject, type Subject } from "@lock/testkit";
import { ReferenceStore } from "./reference-store.ts";

const subject: Subject = defineSubject({
  name: "the reference of the broken",
  create: () => defineProvider({ identifier: "reference", store: new ReferenceStore() }),
  store: () => new ReferenceStore(),
});
export default subject;
