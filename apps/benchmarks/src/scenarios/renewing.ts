import { Member } from "../crew/member.ts";
import type { Stage } from "./stage.ts";

const ours = { name: "@lock", standing: "ours" } as const;

/** What it takes to keep the locks of jobs that run. In memory nothing is renewed. */
export async function playRenewing({ backend, server, plan, sheet, tell }: Stage): Promise<void> {
  if (backend === "memory") return;
  const { locks } = plan.renewing;
  const variant = `${locks.toLocaleString("en")} locks of jobs`;
  tell(`renewing, ${variant}`);
  const heading = { backend, part: "renewing", variant } as const;
  const member = new Member();
  try {
    const [computed, begin] = [await server.computed(), performance.now()];
    const { core, lost } = await member.ask("renewing", { backend, url: server.url, ...plan.renewing });
    const serverSeconds = (await server.computed()) - computed;
    sheet.add(heading, ours, "% of a core", core * 100);
    sheet.add(heading, ours, "locks lost", lost);
    if (!Number.isNaN(serverSeconds)) {
      sheet.add(
        heading,
        ours,
        "% of a core, server",
        (serverSeconds / (performance.now() - begin)) * 100_000,
      );
    }
  } finally {
    await member.dismiss();
  }
}
