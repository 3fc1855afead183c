import { Member } from "../crew/member.ts";
import type { Stage } from "./stage.ts";

const ours = { name: "@lock", standing: "ours" } as const;

/** What one more lock costs beside those that are held, and what they take up. */
export async function playHeld({ backend, server, plan, sheet, tell }: Stage): Promise<void> {
  const member = new Member();
  const place = { backend, url: server.url };
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
        const trip = await member.ask("roundTrip", place);
        const costs = await member.ask("held", { ...place, operations: plan.heldOperations });
        for (const what of ["acquire", "renew", "release", "releaseAll"] as const) {
          sheet.add(heading, ours, `${what}, µs`, costs[what]);
        }
        if (backend !== "memory") sheet.add(heading, ours, "round trip, µs", trip * 1000);
      }
    }
    await member.ask("emptyOut", place);
  } finally {
    await member.dismiss();
  }
}
