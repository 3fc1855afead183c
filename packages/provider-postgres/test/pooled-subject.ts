import type { Subject } from "@lock/testkit";
import { subjectOfMode } from "./subject-of-mode.ts";

const subject: Subject = subjectOfMode();
export default subject;
