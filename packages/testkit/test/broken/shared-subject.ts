import { defineProvider } from "@lock/core";
import { defineSubject, type Subject } from "@lock/testkit";
import { SharedStore } from "./shared-store.ts";

const subject: Subject = defineSubject({
  name: "shared within a process",
  create: ({ namespace }) => defineProvider({ identifier: "shared", store: new SharedStore(namespace) }),
});
export default subject;
