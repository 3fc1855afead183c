import { setTimeout as pause } from "node:timers/promises";
import type { Contender } from "../contender.ts";
import { Member } from "../crew/member.ts";
import { contendTogether } from "./contend-together.ts";
import { contestName, type Contest } from "../plan.ts";
import type { Heading } from "../report/sheet.ts";
import { competing, entry, type Stage } from "./stage.ts";
import { oneAtATime } from "./uncontended.ts";

/** Milliseconds in which a server notices that a client is gone. */
const ENDED_WITHIN = 3_000;

type Work = (member: Member) => Promise<number>;

/**
 * How many requests each contender sends, as the server counts them: in passes of their own, each with a process of its own, since PostgreSQL
 * tells a connection's statistics for certain only when that has ended.
 */
export async function countRequests(stage: Stage, parts: readonly string[]): Promise<void> {
  const { plan, backend, contenders } = stage;
  const contests = plan.contests.filter(
    ({ processes, link, hold }) => processes === 1 && !link && hold === 1,
  );
  for (const contender of contenders) {
    if (!plan.countPeers && contender.standing !== "ours") continue;
    stage.tell(`counting the requests of ${contender.name}`);
    const opening = await requestsOf(stage, contender, 1, async () => 0);
    const count = async (heading: Heading, metric: string, callers: number, work: Work): Promise<void> => {
      const { requests, done, connections } = await requestsOf(stage, contender, callers, work);
      stage.sheet.add(heading, contender, metric, (requests - opening.requests) / done);
      if (heading.part === "contended") stage.sheet.add(heading, contender, "connections", connections);
    };
    if (parts.includes("uncontended") && competing(stage, "uncontended").includes(contender)) {
      const heading = { backend, part: "uncontended", variant: oneAtATime } as const;
      await count(heading, "requests per lock", 1, uncontended(stage, contender));
    }
    if (!parts.includes("contended") || !competing(stage, "contended").includes(contender)) continue;
    for (const contest of contests) {
      const heading = { backend, part: "contended", variant: contestName(contest) } as const;
      await count(heading, "requests per grant", contest.waiters, contended(stage, contender, contest));
    }
  }
}

function uncontended(stage: Stage, contender: Contender): Work {
  const { uncontendedMilliseconds: milliseconds } = stage.plan;
  return async (member) => {
    const ask = { ...entry(stage, contender, 1), milliseconds, at: 1 };
    return (await member.ask("uncontended", ask)).operations;
  };
}

function contended(stage: Stage, contender: Contender, { waiters, hold }: Contest): Work {
  const { contendedMilliseconds, patience } = stage.plan;
  const ask = { ...entry(stage, contender, waiters), hold };
  return async (member) => {
    const end = performance.now() + contendedMilliseconds;
    let grants = 0;
    while (performance.now() < end) {
      const { visits } = await contendTogether([member], ask, { milliseconds: 0, patience });
      grants += visits.length;
    }
    return grants;
  };
}

interface Counted {
  readonly requests: number;
  readonly done: number;
  /** While it was at work. */
  readonly connections: number;
}

async function requestsOf(stage: Stage, contender: Contender, callers: number, work: Work): Promise<Counted> {
  const { server, plan } = stage;
  const before = await server.requests(contender);
  const others = await server.connections();
  const member = new Member();
  let connections = 0;
  let done: number;
  try {
    await member.ask("open", entry(stage, contender, callers));
    const working = work(member);
    await pause(plan.contendedMilliseconds / 2);
    connections = (await server.connections()) - others;
    done = await working;
  } finally {
    await member.dismiss();
  }
  // Bounded, since tests may be connected to the same server.
  const end = performance.now() + ENDED_WITHIN;
  while ((await server.connections()) > others && performance.now() < end) await pause(10);
  return { requests: (await server.requests(contender)) - before, done, connections };
}
