import { setTimeout as pause } from "node:timers/promises";
import type { BackendName } from "../contenders/of-backend.ts";
import { ourLocking } from "./our-locking.ts";

export interface RenewalCost {
  /** The share of one core that this process used beyond what it uses idle. */
  readonly core: number;
  /** How many of the jobs lost their lock meanwhile. */
  readonly lost: number;
}

async function coreUsed(milliseconds: number): Promise<number> {
  const [cpu, begin] = [process.cpuUsage(), performance.now()];
  await pause(milliseconds);
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / 1000 / (performance.now() - begin);
}

/** How much it takes to keep so many jobs' locks. `lease` in seconds, renewed each third of it. */
export async function measureRenewing(ask: {
  backend: BackendName;
  url: string;
  locks: number;
  lease: number;
  milliseconds: number;
}): Promise<RenewalCost> {
  const locking = await ourLocking(ask.backend, ask.url);
  await pause(500);
  const idle = await coreUsed(Math.min(ask.milliseconds, 3_000));
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let running = 0;
  let started!: () => void;
  const allRun = new Promise<void>((resolve) => {
    started = resolve;
  });
  let lost = 0;
  const jobs: Promise<void>[] = [];
  for (let n = 0; n < ask.locks; n += 1) {
    const job = async (): Promise<void> => {
      running += 1;
      if (running === ask.locks) started();
      await ended;
    };
    const lockLost = (): void => {
      lost += 1;
    };
    jobs.push(locking.execute(`renewed-${n}`, job, { expire: ask.lease }).catch(lockLost));
    // Not all in one moment, as they would not come in life.
    if (n % 100 === 99) await pause(1);
  }
  await Promise.race([allRun, Promise.all(jobs)]);
  // Until each was renewed twice: for the compilers.
  await pause(ask.lease * 1_000 * (2 / 3));
  const busy = await coreUsed(ask.milliseconds);
  end();
  await Promise.all(jobs);
  return { core: Math.max(0, busy - idle), lost };
}
