import { contendersOf } from "../contenders/of-backend.ts";
import type { Opened } from "../contender.ts";
import { measureBytes } from "../work/bytes.ts";
import { contend } from "../work/contended.ts";
import { runQueue } from "../work/queue.ts";
import { repeat } from "../work/uncontended.ts";
import type { Entry, Request, Response, TaskName, Tasks } from "./tasks.ts";

let current: { readonly name: string; readonly opened: Promise<Opened> } | null = null;

/** Connected once for as long as it is for the same; another is left first, so that a server has enough connections for all. */
async function open({ backend, contender, url, callers }: Entry): Promise<Opened> {
  const name = `${contender} at ${url} for ${callers}`;
  if (current?.name !== name) {
    const before = current;
    current = { name, opened: connect({ backend, contender, url, callers }) };
    await before?.opened.then((opened) => opened.close());
  }
  return current.opened;
}

async function connect({ backend, contender, url, callers }: Entry): Promise<Opened> {
  const found = (await contendersOf(backend)).find(({ name }) => name === contender);
  if (found === undefined) throw new Error(`Nobody is called ${contender}`);
  const connected = await found.open({ url, callers });
  // Scripts are loaded, statements prepared and tables made before anything is timed.
  await connected.run(`warm-up-${process.pid}`, () => {});
  return connected;
}

// What only some members are asked for is loaded only there: they are to be at work soon.
const tasks: { readonly [Name in TaskName]: (ask: Tasks[Name]["ask"]) => Promise<Tasks[Name]["answer"]> } = {
  open: async (ask) => void (await open(ask)),
  roundTrip: async (ask) => (await import("../work/round-trip.ts")).roundTrip(ask),
  uncontended: async (ask) => repeat(await open(ask), ask),
  contended: async (ask) => contend(await open(ask), ask),
  queue: async (ask) => runQueue(await open(ask), ask.depth),
  bytes: async (ask) => measureBytes(await open(ask), ask.count),
  fill: async (ask) => (await import("../work/held.ts")).fill(ask),
  held: async (ask) => (await import("../work/held.ts")).measureHeld(ask),
  emptyOut: async (ask) => (await import("../work/held.ts")).emptyOut(ask),
  renewing: async (ask) => (await import("../work/renewing.ts")).measureRenewing(ask),
  cycle: async (ask) => (await import("../work/growth.ts")).cycle(ask),
  traffic: async (ask) => (await import("../work/neighbours.ts")).runTraffic(ask),
};

async function carryOut({ id, task, ask }: Request): Promise<Response> {
  try {
    return { id, answer: await (tasks[task] as (ask: unknown) => Promise<unknown>)(ask) };
  } catch (error) {
    return {
      id,
      error: `${task}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    };
  }
}

/** Does what the parent process asks, until it is killed or the parent is gone. */
export function serve(): void {
  process.on("message", (request) => {
    void carryOut(request as Request).then((response) => process.send?.(response));
  });
  process.on("disconnect", () => process.exit());
}
