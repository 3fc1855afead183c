import type { Subject } from "@lock/testkit";
import { subjectOf } from "../broken.ts";
import { catalogues } from "../catalogue/catalogues.ts";

const subject: Subject = subjectOf(catalogues["by hand"]!.correct);
export default subject;
