import { defineSubject, type Subject } from "@lock/testkit";
import { memoryProvider } from "../src/index.ts";
import { MemoryStore } from "../src/store.ts";

const subject: Subject = defineSubject({
  name: "@lock/provider-memory",
  create: () => memoryProvider(),
  store: () => new MemoryStore(),
});
export default subject;
