import { Member } from "../crew/member.ts";
import type { Contender } from "../contender.ts";
import { layLink } from "../link/lay-link.ts";
import { contestName, LINK_ROUND_TRIP, type Contest } from "../plan.ts";
import type { Heading } from "../report/sheet.ts";
import { account } from "../statistics/history.ts";
import { median } from "../statistics/spread.ts";
import { contendTogether } from "./contend-together.ts";
import { competing, entry, rotated, type Stage } from "./stage.ts";

/** Many want the same key. */
export async function playContended(stage: Stage): Promise<void> {
  const { backend, plan, server } = stage;
  const local = backend === "memory";
  const link = local ? null : await layLink(server.url, LINK_ROUND_TRIP / 2);
  const prober = local ? null : new Member();
  try {
    for (const contest of plan.contests) {
      if (local && (contest.processes > 1 || contest.link)) continue;
      stage.tell(`contended, ${contestName(contest)}`);
      const url = contest.link && link !== null ? link.url : server.url;
      const heading = { backend, part: "contended", variant: contestName(contest) } as const;
      for (let round = 0; round < plan.rounds; round += 1) {
        const trip = (await prober?.ask("roundTrip", { backend, url })) ?? Number.NaN;
        if (prober !== null)
          stage.sheet.add(heading, { name: "round trip", standing: "raw" }, "gap, ms", trip);
        for (const contender of rotated(competing(stage, "contended"), round)) {
          await playRound(stage, contest, contender, { heading, url, trip });
        }
      }
    }
  } finally {
    // Before the link goes, so that nobody tries in vain to connect again.
    await stage.dismiss();
    await prober?.dismiss();
    link?.close();
  }
}

interface Round {
  readonly heading: Heading;
  readonly url: string;
  /** Milliseconds. */
  readonly trip: number;
}

async function playRound(
  stage: Stage,
  contest: Contest,
  contender: Contender,
  { heading, url, trip }: Round,
): Promise<void> {
  const { backend, plan } = stage;
  const add = (metric: string, sample: number): void => stage.sheet.add(heading, contender, metric, sample);
  const callers = contest.waiters / contest.processes;
  const crew = Array.from({ length: contest.processes }, (_, n) => stage.memberOf(contender, n));
  const ask = { ...entry(stage, contender, callers), url, hold: contest.hold };
  await Promise.all(crew.map((member) => member.ask("open", ask)));
  // Who comes once, all at the same time: how long the key lies idle between two of them.
  const gaps: number[] = [];
  const end = performance.now() + plan.contendedMilliseconds / 2;
  let violations = 0;
  let unfinished = false;
  do {
    const { visits, unserved } = await contendTogether(crew, ask, {
      milliseconds: 0,
      patience: plan.patience,
    });
    const told = account(visits, Infinity);
    gaps.push(...told.gaps);
    violations += told.violations;
    unfinished = unserved.length > 0;
  } while (performance.now() < end && !unfinished);
  if (unfinished) await stage.dismiss(contender);
  const gap = median(gaps) / 1000;
  if (contest.hold > 0 && backend !== "memory") add("gap, round trips", gap / trip);
  add("gap, ms", gap);

  // Who comes back at once, again and again: how long the unluckiest waits.
  const again = unfinished ? Array.from(crew, (_, n) => stage.memberOf(contender, n)) : crew;
  await Promise.all(again.map((member) => member.ask("open", ask)));
  const milliseconds = plan.contendedMilliseconds;
  const told = await contendTogether(again, ask, { milliseconds, patience: plan.patience });
  const { grants, medianWait, longestWait, violations: more } = account(told.visits, told.until);
  add("grants/s", (grants / milliseconds) * 1000);
  add("longest ÷ median wait", Math.max(longestWait, ...told.unserved) / medianWait);
  add("violations", violations + more);
  add("refused", told.refused);
  if (told.unserved.length > 0) await stage.dismiss(contender);
}
