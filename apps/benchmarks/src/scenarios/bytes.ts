import { Member } from "../crew/member.ts";
import { competing, entry, type Stage } from "./stage.ts";

/** At most: the heap grows by the same each time, but for where the collector stands. */
const ROUNDS = 3;

/** What a held lock and a waiter take up in the process. */
export async function playBytes(stage: Stage): Promise<void> {
  const { backend, plan, sheet } = stage;
  const heading = { backend, part: "bytes", variant: `${plan.sized.toLocaleString("en")} of each` } as const;
  if (competing(stage, "bytes").length === 0) return;
  stage.tell(`bytes, ${heading.variant}`);
  for (let round = 0; round < Math.min(ROUNDS, Math.ceil(plan.rounds / 2)); round += 1) {
    for (const contender of competing(stage, "bytes")) {
      // What is held stays held, so each time takes a process of its own.
      const member = new Member();
      try {
        const ask = { ...entry(stage, contender, 1), count: plan.sized };
        const { held, waiter } = await member.ask("bytes", ask);
        sheet.add(heading, contender, "bytes per held lock", held);
        sheet.add(heading, contender, "bytes per waiter", waiter);
      } finally {
        await member.dismiss();
      }
    }
  }
}
