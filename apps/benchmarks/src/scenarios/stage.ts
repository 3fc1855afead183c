import type { BackendName } from "../contenders/of-backend.ts";
import type { Contender, Scenario } from "../contender.ts";
import type { Member } from "../crew/member.ts";
import type { Entry } from "../crew/tasks.ts";
import type { Plan } from "../plan.ts";
import type { Sheet } from "../report/sheet.ts";
import type { Server } from "../servers/server.ts";

/** What a scenario is played with. */
export interface Stage {
  readonly backend: BackendName;
  readonly server: Server;
  readonly contenders: readonly Contender[];
  readonly plan: Plan;
  readonly sheet: Sheet;
  /** The process of its own that a contender competes in, or one of several. */
  memberOf(contender: Contender, which?: number): Member;
  /** Ends the processes of this contender, or all: who still waits in them, waits no more. */
  dismiss(contender?: Contender): Promise<void>;
  /** Says what is going on. */
  tell(what: string): void;
}

/** Who competes in a scenario: tuned peers only where there is time for it. */
export function competing({ contenders, plan }: Stage, scenario: Scenario): Contender[] {
  const all = contenders.filter(
    ({ scenarios, tuned }) => scenarios.includes(scenario) && (plan.tuned || tuned === undefined),
  );
  if (scenario !== "contended") return all;
  const peers = all.filter(({ standing }) => standing === "peer").slice(0, plan.contendingPeers);
  return all.filter((contender) => contender.standing !== "peer" || peers.includes(contender));
}

export function entry({ backend, server }: Stage, { name }: Contender, callers: number): Entry {
  return { backend, contender: name, url: server.url, callers };
}

/** Another begins each round, so that nobody is always the one after a certain other. */
export function rotated<Each>(all: readonly Each[], round: number): Each[] {
  const first = all.length === 0 ? 0 : round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
