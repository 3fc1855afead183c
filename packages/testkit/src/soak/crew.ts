import { startProcess, type TestProcess } from "../processes/child-process.ts";
import type { FaultProxy } from "../proxy.ts";
import type { PreparedSuite } from "../suite/prepare.ts";
import { throughProxy } from "../world/through-proxy.ts";
import type { WorkPlan } from "./workload.ts";

/** A process that is soaked, and the proxy between it and the backend where it is to be cut off. */
export interface Hand {
  readonly process: TestProcess;
  readonly proxy: FaultProxy | undefined;
}

/** The processes that compete. */
export interface Crew {
  readonly hands: readonly Hand[];
  /** Everyone who ever was. */
  readonly all: readonly Hand[];
  /** Starts one more and sets it to work. */
  hire(): Promise<void>;
  /** Kills one, and starts another in its place. */
  replace(hand: Hand): Promise<void>;
  /** Ends what is left of it. */
  dismiss(): Promise<void>;
}

export function assembleCrew(
  { subject, module }: PreparedSuite,
  namespace: string,
  plan: Omit<WorkPlan, "name">,
): Crew {
  const all: Hand[] = [];
  let hands: Hand[] = [];
  let hired = 0;
  const hire = async (): Promise<void> => {
    const name = `process ${++hired}`;
    const { urlVariable } = subject;
    const way =
      plan.cut && urlVariable !== undefined ? await throughProxy(process.env, urlVariable) : undefined;
    const env = way === undefined || urlVariable === undefined ? {} : { [urlVariable]: way.env[urlVariable] };
    const started = startProcess({ subject: module, namespace, name, clockShift: 0, env });
    const hand: Hand = { process: await started, proxy: way?.proxy };
    all.push(hand);
    hands.push(hand);
    await hand.process.work({ ...plan, name });
  };
  return {
    get hands() {
      return hands;
    },
    all,
    hire,
    replace: async (hand) => {
      hands = hands.filter((one) => one !== hand);
      await hand.process.kill();
      await hand.proxy?.close();
      await hire();
    },
    dismiss: async () => {
      await Promise.all(all.map(async ({ process }) => await process[Symbol.asyncDispose]()));
      await Promise.all(all.map(async ({ proxy }) => await proxy?.close()));
    },
  };
}
