import type { Clock, Provider, StoreEvents } from "@lock/core";
import type { ManualClock } from "./manual-clock.ts";

interface Errand {
  readonly kind: "timer" | "message";
  readonly run: () => void;
  cancelled: boolean;
}

/** A process: the clock of its engine, and whether it runs. What comes to it while it is paused it finds when it goes on. */
export class SimulatedProcess implements Clock {
  readonly name: string;
  readonly index: number;
  state: "running" | "paused" | "crashed" = "running";
  /** Its engine is closed, or about to be. */
  closed = false;
  /** Connected once it is set. */
  provider!: Provider;
  events: StoreEvents | null = null;
  /** Grants of which it was told that they are gone. */
  readonly toldLost: Set<string> = new Set();
  readonly #clock: ManualClock;
  #waiting: Errand[] = [];

  constructor(index: number, clock: ManualClock) {
    this.index = index;
    this.name = "ABCDEFGH"[index]!;
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(delay: number, ring: () => void): { cancel(): void } {
    const errand: Errand = { kind: "timer", run: ring, cancelled: false };
    const timer = this.#clock.after(delay, () => this.#take(errand));
    return {
      cancel: () => {
        errand.cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Something arrives from outside. */
  deliver(run: () => void): void {
    this.#take({ kind: "message", run, cancelled: false });
  }

  /** Resolves after `delay` on its clock; never once it has crashed. */
  pass(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  crash(): void {
    this.state = "crashed";
    this.#waiting = [];
  }

  pause(): void {
    if (this.state === "running") this.state = "paused";
  }

  resume(first: "timers" | "messages"): void {
    if (this.state !== "paused") return;
    this.state = "running";
    const waiting = this.#waiting;
    this.#waiting = [];
    const timers = waiting.filter((errand) => errand.kind === "timer");
    const messages = waiting.filter((errand) => errand.kind === "message");
    // One by one, each with all that follows from it, as an event loop does.
    for (const errand of first === "timers" ? [...timers, ...messages] : [...messages, ...timers]) {
      this.#clock.after(0, () => this.#take(errand));
    }
  }

  #take(errand: Errand): void {
    if (errand.cancelled || this.state === "crashed") return;
    if (this.state === "paused") this.#waiting.push(errand);
    else errand.run();
  }
}
