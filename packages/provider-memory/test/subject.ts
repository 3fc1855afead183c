import { defineSubject, type Subject } from "@lock/testkit";
import { memoryProvider } from "@lock/provider-memory";

const subject: Subject = defineSubject({ name: "memory", create: () => memoryProvider() });
export default subject;
