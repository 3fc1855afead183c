import { Member } from "../crew/member.ts";
import { competing, entry, type Stage } from "./stage.ts";

/** How long the plain client is measured beside it, which tells the machine's mood. */
const RAW_MILLISECONDS = 100;

const ours = { name: "@lock", standing: "ours" } as const;

/** What one more lock costs beside those that are held, and what they take up. */
export async function playHeld(stage: Stage): Promise<void> {
  const { backend, server, plan, sheet, tell } = stage;
  const member = new Member();
  const place = { backend, url: server.url };
  // The last is the one that writes as we do.
  const raw = competing(stage, "uncontended").findLast(({ standing }) => standing === "raw")!;
  const rawAsk = { ...entry(stage, raw, 1), milliseconds: RAW_MILLISECONDS, at: 1 };
  try {
    await member.ask("held", { ...place, operations: plan.heldOperations });
    for (const many of plan.held) {
      tell(`held, ${many} locks`);
      const heading = { backend, part: "held", variant: `${many.toLocaleString("en")} held` } as const;
      const before = await server.stored();
      const added = await member.ask("fill", { ...place, upTo: many });
      // One alone says nothing of what each takes up.
      if (added >= 100 && backend !== "memory") {
        sheet.add(heading, ours, "bytes per lock", ((await server.stored()) - before) / added);
      }
      for (let round = 0; round < plan.rounds; round += 1) {
        const { median } = await member.ask("uncontended", rawAsk);
        const costs = await member.ask("held", { ...place, operations: plan.heldOperations });
        for (const what of ["acquire", "renew", "release", "releaseAll"] as const) {
          sheet.add(heading, ours, `${what}, µs`, costs[what]);
        }
        sheet.add(heading, ours, "raw take + give, µs", median);
      }
    }
    await member.ask("emptyOut", place);
  } finally {
    await member.dismiss();
  }
}
