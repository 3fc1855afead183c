import { Member } from "../crew/member.ts";
import type { Contender } from "../contender.ts";
import { layLink } from "../link/lay-link.ts";
import { contestName, LINK_ROUND_TRIP, type Contest } from "../plan.ts";
import { account } from "../statistics/history.ts";
import { median } from "../statistics/spread.ts";
import { contendTogether, type Together } from "./contend-together.ts";
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
      const contenders = competing(stage, "contended");
      // For the compilers and caches.
      for (const contender of contenders)
        await playRound(stage, contest, contender, { url, trip: Number.NaN });
      for (let round = 0; round < plan.rounds; round += 1) {
        const trip = (await prober?.ask("roundTrip", { backend, url })) ?? Number.NaN;
        if (prober !== null)
          stage.sheet.add(heading, { name: "round trip", standing: "raw" }, "gap, ms", trip);
        for (const contender of rotated(contenders, round)) {
          const figures = await playRound(stage, contest, contender, { url, trip });
          for (const [metric, sample] of Object.entries(figures))
            stage.sheet.add(heading, contender, metric, sample);
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
  readonly url: string;
  /** Milliseconds. */
  readonly trip: number;
}

async function playRound(
  stage: Stage,
  contest: Contest,
  contender: Contender,
  { url, trip }: Round,
): Promise<Readonly<Record<string, number>>> {
  const callers = contest.waiters / contest.processes;
  const ask = { ...entry(stage, contender, callers), url, hold: contest.hold };
  const together = async (milliseconds: number): Promise<Together> => {
    const crew = Array.from({ length: contest.processes }, (_, n) => stage.memberOf(contender, n));
    await Promise.all(crew.map((member) => member.ask("open", ask)));
    const told = await contendTogether(crew, ask, { milliseconds, patience: stage.plan.patience });
    // Who still waits would go on asking the server while others compete.
    if (told.unserved.length > 0) await stage.dismiss(contender);
    return told;
  };
  const once = await askOnce(stage.plan.contendedMilliseconds / 2, () => together(0));
  const gap = median(once.gaps) / 1000;
  const milliseconds = stage.plan.contendedMilliseconds;
  const { visits, until, unserved, refused } = await together(milliseconds);
  const { grants, medianWait, longestWait, violations } = account(visits, until);
  return {
    ...(contest.hold > 0 && stage.backend !== "memory" ? { "gap, round trips": gap / trip } : {}),
    "gap, ms": gap,
    "grants/s": (grants / milliseconds) * 1000,
    "longest ÷ median wait": Math.max(longestWait, ...unserved) / medianWait,
    violations: once.violations + violations,
    refused,
  };
}

/** All ask once, at the same time, and so again for a while: how long the key lies idle between two of them. */
async function askOnce(
  milliseconds: number,
  together: () => Promise<Together>,
): Promise<{ gaps: readonly number[]; violations: number }> {
  const gaps: number[] = [];
  let violations = 0;
  let unserved: readonly number[] = [];
  const end = performance.now() + milliseconds;
  while (performance.now() < end && unserved.length === 0) {
    const told = await together();
    const found = account(told.visits, Infinity);
    gaps.push(...found.gaps);
    violations += found.violations;
    unserved = told.unserved;
  }
  return { gaps, violations };
}
