import type { Claim, Release, ReleaseReply, Renewal, RenewReply, TakeReply } from "@lock/core";
import { Fates, type Message } from "./fate.ts";
import { describeReply, describeRequest } from "./messages.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

type Reply = TakeReply | RenewReply | ReleaseReply;

/** What lies between a process and the backend: delays, losses, doubles, cuts. */
export class NetworkLink {
  /** Whether it is cut, and whether the process is told so. */
  cut: "loud" | "silent" | null = null;
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #fates: Fates;
  #sent = 0;
  #sentAt = -1;

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world;
    this.#process = process;
    this.#fates = new Fates(world.schedule);
  }

  push(what: string, arrive: () => void): void {
    const world = this.#world;
    if (!world.schedule.store.push) return;
    const message = this.#message("push");
    const fate = this.#fates.push(message, world.clock.now());
    if (fate !== "arrives") world.troubled.add(message.label);
    if (fate === "lost")
      return world.tell("server", () => `push to ${this.#process.name}: ${what}; it is lost`);
    const deliver = (delay: number): void => {
      world.clock.after(delay, () => {
        // What is pushed while the channel is cut is never heard.
        if (this.cut !== null) return;
        this.#process.deliver(() => {
          world.tell(this.#process.name, () => `hears the push: ${what}`);
          arrive();
        });
      });
    };
    deliver(fate === "late" ? this.#fates.longDelay(message) : this.#fates.delay(message, 3));
    if (fate === "twice") deliver(this.#fates.longDelay(message));
  }

  exchange<Request extends Claim | Renewal | Release, Answer extends Reply>(
    requests: readonly Request[],
    serve: (request: Request) => Answer,
    hear: (request: Request, reply: Answer) => void = () => {},
  ): Promise<readonly Answer[]> {
    const world = this.#world;
    const { clock } = world;
    const { name } = this.#process;
    const message = this.#message("request");
    let fate = this.#fates.request(message, clock.now());
    if (fate !== "arrives") world.troubled.add(message.label);
    // A release by owner that came twice could free a newer grant; no store sends it twice.
    if (fate === "twice" && requests.some((request) => "by" in request && request.by === "owner"))
      fate = "reply lost";
    if (this.cut !== null) fate = this.cut === "silent" ? "swallowed" : "lost";
    const exempt = fate === "one failed" ? this.#fates.oneOf(message, requests.length) : -1;
    const there = fate === "slow there" ? this.#fates.longDelay(message) : this.#fates.delay(message, 1);
    const back = fate === "slow back" ? this.#fates.longDelay(message) : this.#fates.delay(message, 2);
    const sentAt = clock.now();

    const carryOut = (): Answer[] =>
      requests.map((request, index) => {
        const refused = index === exempt;
        const reply = refused
          ? ({ status: "failed", error: new Error("out of order") } as Answer)
          : serve(request);
        world.tell("server", () => {
          const asked = `${name}'s request of ${sentAt} ms to ${describeRequest(world, request)}`;
          return `${asked}: ${describeReply(world, reply)}`;
        });
        return reply;
      });
    return new Promise((resolve, reject) => {
      const fail = (where: string): void => {
        this.#process.deliver(() => {
          world.tell(name, () => `its request of ${sentAt} ms failed (${where})`);
          reject(new Error(where));
        });
      };
      clock.after(there, () => {
        if (fate === "lost") return fail("cut on the way there");
        if (fate === "swallowed") return;
        if (fate === "late") {
          clock.after(this.#fates.longDelay(message), carryOut);
          return fail("cut on the way there, it seems");
        }
        if (fate === "twice") carryOut();
        const replies = carryOut();
        if (fate === "reply swallowed") return;
        clock.after(back, () => {
          if (fate === "reply lost" || this.cut === "loud") return fail("cut on the way back");
          if (this.cut === "silent") return;
          this.#process.deliver(() => {
            for (const [index, request] of requests.entries()) hear(request, replies[index]!);
            world.tell(name, () => `hears the answer to its request of ${sentAt} ms`);
            resolve(replies);
          });
        });
      });
    });
  }

  #message(kind: "request" | "push"): Message {
    const now = this.#world.clock.now();
    if (now !== this.#sentAt) this.#sent = 0;
    this.#sentAt = now;
    this.#sent += 1;
    return {
      label: `${kind} ${this.#process.name} ${now} ${this.#sent}`,
      parts: [this.#process.index, now, this.#sent],
    };
  }
}
