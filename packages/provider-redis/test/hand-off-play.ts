import type { Lock } from "@lock/core";
import { ManualClock, seededRandom } from "@lock/testkit/simulation";
import type { Spots } from "../src/hand-off/spots.ts";
import type { Schedule, Step } from "./hand-off-schedule.ts";
import { ModelledProcess } from "./modelled-process.ts";
import { ModelledServer } from "./modelled-server.ts";
import { PlayedCalls } from "./played-calls.ts";

/** What broke; `null`: nothing. */
export interface Played {
  readonly broken: { readonly rule: string; readonly message: string } | null;
  readonly grants: number;
  readonly story: readonly string[];
}

class Broken extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(message);
    this.rule = rule;
  }
}

/** What the time and the keys known of are in the hand-offs that are played, which read them from where every process has them. */
export interface Stage {
  clock: ManualClock;
  spots: Spots[];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const settled = async (): Promise<void> => {
  for (let n = 0; n < 3; n += 1) await turn();
};
/** Promises and ticks, and nothing of the sockets. */
const hastily = async (): Promise<void> => {
  for (let n = 0; n < 12; n += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
};

export async function play(schedule: Schedule, stage: Stage, told = false): Promise<Played> {
  stage.clock = new ManualClock();
  stage.spots = [];
  const run = new Run(schedule, stage, told);
  try {
    await run.connect();
    for (const step of schedule.steps) await run.carryOut(step, step.hasty);
    await run.end();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    return {
      broken: { rule: error.rule, message: error.message },
      grants: run.calls.grants,
      story: run.story,
    };
  } finally {
    await run.leave();
  }
  return { broken: null, grants: run.calls.grants, story: run.story };
}

class Run {
  readonly story: string[] = [];
  readonly #schedule: Schedule;
  readonly #stage: Stage;
  readonly #told: boolean;
  readonly #server: ModelledServer;
  readonly #processes: readonly ModelledProcess[];
  readonly calls: PlayedCalls;
  #broken: Broken | null = null;

  constructor(schedule: Schedule, stage: Stage, told: boolean) {
    this.#schedule = schedule;
    this.#stage = stage;
    this.#told = told;
    const { clock } = stage;
    this.#server = new ModelledServer(
      () => clock.now(),
      (channel, text) => {
        this.#tell(`-> ${channel || "all"}: ${text}`);
        if (channel === "") return this.#processes.map((process) => process.publish(text)).includes(true);
        return this.#processes[Number(channel)]?.publish(text) ?? false;
      },
    );
    this.calls = new PlayedCalls(
      this.#server,
      schedule.weather === "fair",
      (line) => this.#tell(line),
      (rule, message) => this.#violate(rule, message),
    );
    const { turns } = schedule;
    this.#processes = Array.from({ length: schedule.processes }, (_, n) => {
      const terms = { turns, ms: turns === 0 ? 0 : 10 };
      return new ModelledProcess(
        this.#server,
        clock,
        String(n),
        terms,
        seededRandom(schedule.seed + n),
        (line) => this.#tell(line),
      );
    });
  }

  async connect(): Promise<void> {
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    for (const { provider } of this.#processes) await provider.connect({ id: "test", logger });
  }

  async carryOut(step: Step, hasty: boolean): Promise<void> {
    this.#tell(JSON.stringify(step));
    if (step.does === "wait") await this.#wait(step.for);
    else if (step.does === "flow") await this.#flow(this.#processes[step.process]!);
    else this.#act(step);
    await (hasty ? hastily() : settled());
    this.#check();
  }

  #act(step: Exclude<Step, { does: "wait" }>): void {
    if ("which" in step) return this.#actOn(step);
    const process = this.#processes[step.process]!;
    switch (step.does) {
      case "execute":
      case "acquire":
        return this.calls.make(step, process);
      case "arrive":
        return process.arrive();
      case "refuse":
        return process.arrive(new Error("refused"));
      case "cut":
        return process.cut(step.carriedOut, step.late, step.after);
      case "deafen":
        return process.deafen(step.abruptly, step.after);
      case "releaseAll":
        return void process.provider.releaseAll(null, undefined).catch(() => {});
      case "inspect":
        return void process.provider.inspect(["a"]).catch(() => {});
      case "close":
        return void process.provider.close(0);
      case "hearAnswer":
        return process.hearAnswer();
      case "hearPush":
        return process.hearPush();
      case "arriveStray":
        return process.arriveStray();
      case "flow":
        return;
    }
  }

  #actOn(step: Extract<Step, { which: number }>): void {
    const aborts = step.does === "abort";
    const some = this.calls.all.filter(
      ({ lock, end, over }) => !over && (aborts ? lock === null : end !== null),
    );
    const call = some[step.which % some.length];
    if (call === undefined) return;
    if (step.does === "end") call.end?.();
    else if (!("lease" in step)) call.abort.abort(new Error("aborted"));
    else call.lock?.extend(`${step.lease}ms`).catch(() => {});
  }

  #check(): void {
    const holding = this.calls.all.filter(({ lock, end }) => end !== null && this.#believes(lock as Lock));
    const now = this.#stage.clock.now();
    for (const { name, lock, keys, process } of holding) {
      for (const key of keys) {
        const holder = this.#server.holder(key);
        const until = now + (lock as Lock).remaining();
        if (holder === null || !process.claims.has(holder.id) || holder.till < until)
          this.#violate("belief", `call ${name} believes to have "${key}" until ${until}, which is not so`);
        const other = holding.find((call) => call.name > name && call.keys.includes(key));
        if (other) this.#violate("exclusion", `calls ${name} and ${other.name} have "${key}"`);
      }
    }
    if (this.#broken) throw this.#broken;
  }

  #believes(lock: Lock): boolean {
    return lock.remaining() > 0 && lock.fencingToken > this.#server.floor;
  }

  async #wait(milliseconds: number): Promise<void> {
    const until = this.#stage.clock.now() + milliseconds;
    await settled();
    while (await this.#stage.clock.step(until)) this.#check();
  }

  /** Its messages move, until there are no more. */
  async #flow(process: ModelledProcess): Promise<void> {
    for (let n = 0; n < 500 && process.busy; n += 1) {
      process.arrive();
      process.hearAnswer();
      process.hearPush();
      await turn();
    }
    if (process.busy) this.#violate("endless", "messages that never end");
  }

  /** Messages travel at once, jobs end as soon as they may, and everything is to come to its end. */
  async end(): Promise<void> {
    const { weather, steps } = this.#schedule;
    this.#tell("everything comes to its end");
    const leases = steps.map((step) => ("lease" in step ? step.lease : 0));
    const closes = steps.some(({ does }) => does === "close");
    const bound = weather === "fair" ? 150 : Math.max(8_000, ...leases) + 7_000;
    const { clock } = this.#stage;
    let busyAt = clock.now();
    while (this.calls.all.some(({ over }) => !over)) {
      for (const process of this.#processes) while (process.strays.length > 0) process.arriveStray();
      for (const process of this.#processes) await this.#flow(process);
      await settled();
      this.#check();
      if (!this.#processes.some(({ busy }) => busy)) {
        const running = this.calls.all.filter(({ end }) => end !== null);
        if (running.length > 0) busyAt = clock.now();
        for (const call of running) call.end?.();
        if (running.length > 0) await settled();
        else if (clock.now() - busyAt > bound) {
          const waiting = this.calls.all.filter(({ over }) => !over).map(({ name }) => name);
          this.#violate("stalled", `nobody has anything for ${bound} ms, and calls ${waiting.join()} wait`);
        } else await this.#wait(5);
        this.#check();
      }
    }
    await this.#pass(weather === "fair" ? 50 : 100);
    // What could not be delivered is tried again, and a place that nobody withdrew ends by itself.
    if (weather !== "fair") await this.#pass(closes ? Math.max(...leases) + 20_000 : 22_000);
    const left = this.#server.left();
    if (left.length > 0) this.#violate("left", `at the server: ${left.join("; ")}`);
    const known = this.#stage.spots.flatMap((spots, n) =>
      this.#processes[n]?.closed
        ? []
        : [...spots.all()].map(({ key, hold, asking, followers, queued }) => {
            const waiting = [...(followers?.keys() ?? []), ...queued.keys(), ...(hold?.locals.keys() ?? [])];
            const what = { in: n, key, hold: hold?.holder, asking: asking?.id, waiting };
            return JSON.stringify(what);
          }),
    );
    if (known.length > 0) this.#violate("known", known.join());
    this.#check();
  }

  async #pass(milliseconds: number): Promise<void> {
    const until = this.#stage.clock.now() + milliseconds;
    do {
      for (const process of this.#processes) await this.#flow(process);
      await this.#wait(10);
    } while (this.#stage.clock.now() < until);
    for (const process of this.#processes) await this.#flow(process);
  }

  /** Nothing of it goes on in the next. */
  async leave(): Promise<void> {
    for (const call of this.calls.all) call.end?.();
    await settled();
  }

  #violate(rule: string, message: string): void {
    this.#broken ??= new Broken(rule, message);
  }

  #tell(line: string | (() => string)): void {
    if (!this.#told) return;
    const what = typeof line === "string" ? line : line();
    this.story.push(
      `${this.#stage.clock.now()} ${what.replaceAll(/"(keys|ownerId|kind|limit|keepLease|wait)":[^,}]*,?/g, "")}`,
    );
  }
}
