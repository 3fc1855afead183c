import type { Attempt } from "./attempt.ts";
import { ManualClock } from "./manual-clock.ts";
import { ModelBackend } from "./model-backend.ts";
import type { Schedule } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A promise of a lock that did not hold in a run. */
export interface Violation {
  /** Which promise, in one word or two: what a shrunk schedule must break as well. */
  readonly rule: string;
  readonly message: string;
}

/** Which promises can be asked for in a schedule, given its faults. */
export interface Conditions {
  /** Every request arrives and is answered. */
  readonly fair: boolean;
  /** Every push arrives, once. */
  readonly pushesArrive: boolean;
  /** No process crashes or stands still. */
  readonly steady: boolean;
  /** The backend's clock is not set while leases run. */
  readonly unstepped: boolean;
}

/** Everything in one run. */
export class World {
  readonly schedule: Schedule;
  readonly clock: ManualClock = new ManualClock();
  readonly conditions: Conditions;
  readonly backend: ModelBackend;
  readonly processes: SimulatedProcess[] = [];
  readonly attempts: Attempt[] = [];
  /** Calls whose first request has not been seen yet, so that it is not known which claim is theirs; per process. */
  readonly unclaimed: Map<SimulatedProcess, Attempt[]> = new Map();
  readonly byClaim: Map<string, Attempt> = new Map();
  /** By how much the backend's clock differs from the processes'. */
  offset = 0;
  violation: Violation | null = null;
  /** Messages that something befell. */
  readonly troubled: Set<string> = new Set();
  readonly #story: string[] | null;

  /** `story`: where what happens is written, where anybody wants to read it. */
  constructor(schedule: Schedule, story: string[] | null) {
    this.schedule = schedule;
    this.#story = story;
    this.backend = new ModelBackend(() => this.clock.now() + this.offset);
    const { weather, faults } = schedule;
    const cut = faults.some((fault) => fault.kind === "cut");
    this.conditions = {
      fair: weather.trouble === 0 && !cut,
      pushesArrive: weather.pushTrouble === 0 && !cut,
      steady: !faults.some((fault) => fault.kind === "crash" || fault.kind === "pause"),
      unstepped: !faults.some((fault) => fault.kind === "step"),
    };
  }

  /** Only the first counts: what follows from it is no news. */
  violate(rule: string, message: string): void {
    if (this.violation !== null) return;
    this.violation = { rule, message };
    this.tell("!", () => message);
  }

  tell(who: string, what: () => string): void {
    if (this.#story === null) return;
    const at = this.clock.now();
    const time = Number.isInteger(at) ? `${at}` : at.toFixed(1);
    this.#story.push(`${time.padStart(9)} ms  ${who.padEnd(7)} ${what()}`);
  }

  /** What the story calls a claim. */
  nameOf(claimId: string): string {
    const attempt = this.byClaim.get(claimId);
    return attempt === undefined ? `claim ${claimId}` : `call ${attempt.call.name}`;
  }
}
