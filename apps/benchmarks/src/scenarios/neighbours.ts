import { setTimeout as pause } from "node:timers/promises";
import type { Contender } from "../contender.ts";
import { Member } from "../crew/member.ts";
import { ratios } from "../statistics/spread.ts";
import type { Traffic } from "../work/neighbours.ts";
import { contendTogether } from "./contend-together.ts";
import { competing, entry, rotated, type Stage } from "./stage.ts";

/** How long a contest goes on before the neighbours are watched, and after: they are to be in the midst of it. */
const LEAD = 300;

interface Company {
  readonly name: string;
  /** None: the neighbours are alone. */
  readonly processes: 0 | 1 | 4;
}

const companies: readonly Company[] = [
  { name: "alone", processes: 0 },
  { name: "beside waiters of one process, handed on without NOTIFY", processes: 1 },
  { name: "beside waiters of four processes", processes: 4 },
];

const kinds = [
  { kind: "1,000 transactions a second", perSecond: 1_000, notify: false },
  { kind: "16 clients, one transaction after the other", perSecond: Infinity, notify: false },
  { kind: "16 clients whose transactions send a NOTIFY too", perSecond: Infinity, notify: true },
] as const;

/** What a contended lock costs those who use the same server for something else. Commits of those that send a NOTIFY wait for each other. */
export async function playNeighbours(stage: Stage): Promise<void> {
  const { backend, plan, tell } = stage;
  if (backend !== "postgres") return;
  const contender = competing(stage, "contended").find(({ standing }) => standing === "ours")!;
  const neighbours = new Member();
  try {
    for (const { kind, ...traffic } of kinds) {
      tell(`neighbours, ${kind}`);
      const variant = `${kind}, ${plan.neighbours.waiters} waiters, empty job`;
      // The first round is for the compilers and caches.
      for (let round = -1; round < plan.rounds; round += 1) {
        await playRound(stage, contender, neighbours, variant, traffic, round);
      }
      compare(stage, variant);
    }
  } finally {
    await neighbours.dismiss();
  }
}

async function playRound(
  stage: Stage,
  contender: Contender,
  neighbours: Member,
  variant: string,
  kind: Pick<Traffic, "perSecond" | "notify">,
  round: number,
): Promise<void> {
  const { backend, server, plan, sheet } = stage;
  const { waiters, milliseconds } = plan.neighbours;
  const heading = { backend, part: "neighbours", variant } as const;
  for (const { name, processes } of rotated(companies, round + 1)) {
    const crew = Array.from({ length: processes }, (_, which) => stage.memberOf(contender, which));
    const ask = { ...entry(stage, contender, waiters / Math.max(1, processes)), hold: 0 };
    await Promise.all(crew.map((member) => member.ask("open", ask)));
    const time = { milliseconds: milliseconds + 2 * LEAD, patience: plan.patience };
    const contest = processes === 0 ? null : contendTogether(crew, ask, time);
    await pause(LEAD);
    const traffic = await neighbours.ask("traffic", { ...kind, url: server.url, milliseconds });
    const visits = (await contest)?.visits.length ?? 0;
    if (round < 0) continue;
    const who = { name, standing: "ours" } as const;
    sheet.add(heading, who, "transactions/s", traffic.perSecond);
    sheet.add(heading, who, "median, ms", traffic.median);
    sheet.add(heading, who, "of 99 %, ms", traffic.slow);
    sheet.add(heading, who, "hand-overs/s", (visits / time.milliseconds) * 1_000);
  }
}

/** What they lose to those beside them, round by round. */
function compare({ backend, sheet }: Stage, variant: string): void {
  const heading = { backend, part: "neighbours", variant } as const;
  const speed = (name: string): readonly number[] => sheet.samples(heading, name, "transactions/s");
  for (const { name, processes } of companies) {
    if (processes === 0) continue;
    for (const ratio of ratios(speed(name), speed(companies[0]!.name))) {
      sheet.add(heading, { name, standing: "ours" }, "% lost", (1 - ratio) * 100);
    }
  }
}
