import { competing, entry, rotated, type Stage } from "./stage.ts";

/** Very many want one key at once, in one process. */
export async function playQueue(stage: Stage): Promise<void> {
  const { backend, plan, sheet } = stage;
  const depth = plan.queueDepth;
  const heading = { backend, part: "queue", variant: `${depth.toLocaleString("en")} deep` } as const;
  if (competing(stage, "queue").length === 0) return;
  stage.tell(`queue, ${heading.variant}`);
  for (let round = -1; round < plan.rounds; round += 1) {
    for (const contender of rotated(competing(stage, "queue"), round + 1)) {
      const member = stage.memberOf(contender);
      const { each, violations } = await member.ask("queue", { ...entry(stage, contender, 1), depth });
      if (round < 0) continue;
      sheet.add(heading, contender, "µs each", each);
      sheet.add(heading, contender, "violations", violations);
    }
  }
}
