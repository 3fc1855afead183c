import { defineProvider, type Logger, type Provider, type ProviderDefinition } from "@lock/core";
import { Beliefs } from "./beliefs.ts";
import { Caller } from "./caller.ts";
import { describeCall } from "./describe-call.ts";
import { chance, seededRandom } from "./seeded-random.ts";
import type { Call, Fault, Schedule } from "./schedule.ts";
import { settled } from "./manual-clock.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedStore } from "./simulated-store.ts";
import { CALL_TIMEOUT } from "./judge.ts";
import { World, type Violation } from "./world.ts";
import { lastLook, lookAfterCut } from "./last-look.ts";

/** When, at the latest, every call has ended. */
const END = 300_000;
/** How long closing takes at most, and what dies by itself afterwards. */
const AFTERMATH = 60_000;

const silent = (): void => {};
const logger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** What a run showed. */
export interface Run {
  readonly violation: Violation | null;
  /** How often two held together because the backend's clock was set, each time told apart by their tokens. */
  readonly brokenBySteps: number;
  /** Messages that something befell. */
  readonly troubled: ReadonlySet<string>;
  readonly grants: number;
}

/** Makes the provider of each process: `defineProvider`, or what is to be tested in its place. */
export type Define = (definition: ProviderDefinition) => Provider;

/** Plays a schedule in virtual time. `story`: where what happens is written. */
export async function play(
  schedule: Schedule,
  define: Define = defineProvider,
  story: string[] | null = null,
): Promise<Run> {
  const world = new World(schedule, story);
  const beliefs = new Beliefs(world);
  const caller = new Caller(world, beliefs);
  const { clock, processes } = world;
  const stores: SimulatedStore[] = [];
  for (let index = 0; index < schedule.processes; index += 1) {
    const process = new SimulatedProcess(index, clock);
    const store = new SimulatedStore(world, process);
    const random = seededRandom(Math.floor(chance(schedule.seed, 3, index) * 2 ** 32));
    process.provider = define({
      identifier: "simulated",
      store,
      clock: process,
      random,
      callTimeout: `${CALL_TIMEOUT}ms`,
    });
    world.unclaimed.set(process, []);
    await process.provider.connect({ id: "simulated", logger });
    processes.push(process);
    stores.push(store);
  }
  for (const fault of schedule.faults) clock.after(fault.at, () => befall(world, fault, stores));
  // Those of one process and time are made in one tick, so that they travel together.
  for (const [index, first] of schedule.calls.entries()) {
    const isOfThem = ({ process, at }: Call): boolean => process === first.process && at === first.at;
    if (schedule.calls.findIndex(isOfThem) < index) continue;
    const calls = schedule.calls.filter(isOfThem);
    const process = processes[first.process]!;
    process.after(first.at, () => {
      for (const call of calls) {
        world.tell(process.name, () => `call ${call.name}: ${describeCall(call)}`);
        caller.make(call, process).catch((error: unknown) => world.violate("outcome", String(error)));
      }
    });
  }
  await settled();
  const run = async (until: number): Promise<void> => {
    while (world.violation === null && (await clock.step(until))) beliefs.check();
  };
  await run(END);
  if (world.violation === null) {
    for (const process of processes) {
      process.closed = true;
      if (process.state === "running") void process.provider.close(0);
    }
    await settled();
    await run(END + AFTERMATH);
  }
  if (world.violation === null) lastLook(world);
  if (world.violation === null) beliefs.checkHistory();
  const { violation, troubled, backend } = world;
  return { violation, brokenBySteps: beliefs.brokenBySteps, troubled, grants: backend.grants.size };
}

function befall(world: World, fault: Fault, stores: readonly SimulatedStore[]): void {
  if (fault.kind === "step") {
    world.offset += fault.by;
    return world.tell("server", () => `its clock is set by ${fault.by}`);
  }
  const process = world.processes[fault.process]!;
  const store = stores[fault.process]!;
  switch (fault.kind) {
    case "crash":
      world.tell(process.name, () => "crashes");
      return process.crash();
    case "pause":
      world.tell(process.name, () => `stands still for ${fault.lasts} ms`);
      process.pause();
      world.clock.after(fault.lasts, () => {
        world.tell(process.name, () => "goes on");
        process.resume(fault.first);
      });
      return;
    case "cut":
      world.tell(process.name, () => `is cut off for ${fault.lasts} ms`);
      store.cut(fault.silent);
      world.clock.after(fault.lasts, () => {
        world.tell(process.name, () => "is connected again");
        store.mend();
        lookAfterCut(world, process, fault);
      });
  }
}
