import type { Wishes } from "../arguments.ts";
import type { Contender } from "../contender.ts";
import { contendersOf, type BackendName } from "../contenders/of-backend.ts";
import { Crew } from "../crew/crew.ts";
import { load } from "../report/circumstances.ts";
import type { Sheet } from "../report/sheet.ts";
import type { Part } from "../part.ts";
import { startServer } from "../servers/start-server.ts";
import { playBytes } from "./bytes.ts";
import { playContended } from "./contended.ts";
import { countRequests } from "./counting.ts";
import { playGrowth } from "./growth.ts";
import { playHeld } from "./held.ts";
import { playNeighbours } from "./neighbours.ts";
import { playQueue } from "./queue.ts";
import { playRenewing } from "./renewing.ts";
import type { Stage } from "./stage.ts";
import { playUncontended } from "./uncontended.ts";

const plays: { readonly [Name in Part]: (stage: Stage) => Promise<void> } = {
  uncontended: playUncontended,
  contended: playContended,
  held: playHeld,
  renewing: playRenewing,
  queue: playQueue,
  bytes: playBytes,
  growth: playGrowth,
  neighbours: playNeighbours,
};

function isWanted({ name, standing }: Contender, peers: readonly string[]): boolean {
  if (standing !== "peer" || peers.length === 0) return true;
  return peers.some((peer) => name.toLowerCase().includes(peer.toLowerCase()));
}

/** What is told of a run for the record: what the server is, and how busy the machine was before and after each part. */
export interface Played {
  readonly server: string;
  readonly load: readonly number[];
}

/** Everything on one backend. */
export async function play(
  backend: BackendName,
  { parts, peers, plan }: Pick<Wishes, "parts" | "peers" | "plan">,
  sheet: Sheet,
): Promise<Played> {
  const server = await startServer(backend, process.env);
  const crew = new Crew();
  const loads = [load()];
  const stage: Stage = {
    backend,
    server,
    contenders: (await contendersOf(backend)).filter((contender) => isWanted(contender, peers)),
    plan,
    sheet,
    memberOf: (contender, which) => crew.memberOf(contender, which),
    dismiss: (contender) => crew.dismiss(contender),
    tell: (what) => console.error(`${backend}: ${what}`),
  };
  try {
    // Before anybody else is connected.
    if (backend !== "memory") await countRequests(stage, parts);
    for (const part of parts) {
      await plays[part](stage);
      loads.push(load());
    }
  } finally {
    await crew.dismiss();
    await server.stop();
  }
  return { server: server.about, load: loads };
}
