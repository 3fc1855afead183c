import { defineSubject, type Subject } from "@lock/testkit";

const subject: Subject = defineSubject({
  name: "never made",
  create: async () => await new Promise(() => {}),
});
export default subject;
