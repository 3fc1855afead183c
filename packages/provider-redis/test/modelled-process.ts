import { type Clock, defineProvider, type LockStore, type Provider, type StoreEvents } from "@lock/core";
import type { Bucket, Locks } from "../src/bucket.ts";
import type { Connection } from "../src/connection.ts";
import { HandOff } from "../src/hand-off/hand-off.ts";
import { handOffHost } from "../src/hand-off/host.ts";
import type { Terms } from "../src/hand-off/terms.ts";
import { type Heard, tellEvents } from "../src/message.ts";
import type { ModelledServer } from "./modelled-server.ts";

const CALL_TIMEOUT = 5_000;
/** On a connection that is silent for so long the client gives up. */
const SILENCE = 2 * CALL_TIMEOUT;

interface Request {
  carryOut(): unknown;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

/** What travels to the listening connection. */
type Push = { readonly text: string } | "subscribed" | "end";

/**
 * One process: its engine, its hand-off, and between them and the server two connections, whose messages move when they are told
 * to, in their order.
 */
export class ModelledProcess {
  readonly provider: Provider;
  readonly claims: Set<string> = new Set();
  /** Requests on their way, those that the server has still of a connection that was cut, and answers. */
  requests: Request[] = [];
  strays: Request[] = [];
  answers: (() => void)[] = [];
  pushes: Push[] = [];
  /** Whether the server finds it listening; "in vain": on a connection that was cut. */
  listens: boolean | "in vain" = true;
  closed = false;
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #tell: (line: () => string) => void;
  readonly #unanswered = new Set<Request>();
  readonly #standby = new Set<() => void>();
  #standing = 1;
  #ready = true;
  #listeningSince: number | null = 0;
  #sureOf = 1;
  #succession: Promise<void> | null = null;
  #heard!: Heard;

  constructor(
    server: ModelledServer,
    clock: Clock,
    channel: string,
    terms: Terms,
    random: () => number,
    tell: (line: () => string) => void,
  ) {
    this.#tell = tell;
    this.#clock = clock;
    this.#channel = channel;
    const locks: Locks = {
      open: async () => {},
      take: (claims) => this.#run({ take: claims }, () => server.take(claims, channel)),
      renew: (renewals) => this.#send({ renew: renewals }, () => server.renew(renewals)),
      release: (releases) => this.#run({ release: releases }, () => server.release(releases)),
      releaseAll: async () => {
        await this.#run("releaseAll", () => server.raiseFloor());
        await this.#run("hand on all", () => server.handOnAll());
      },
      inspect: (keys) => this.#send({ inspect: keys }, () => server.inspect(keys)),
    };
    const bucket = {
      release: locks.release,
      stand: (request: Parameters<HandOffStand>[0]) =>
        this.#run({ stand: request }, () => server.stand({ ...request, channel })),
    };
    const connection = Object.defineProperties({} as Connection, {
      standing: { get: () => this.#standing },
      ready: { get: () => this.#ready && !this.closed },
      closed: { get: () => this.closed },
    });
    const host = handOffHost(
      bucket as unknown as Bucket,
      connection,
      () => this.#listeningSince,
      CALL_TIMEOUT,
    );
    const handOff = new HandOff(locks, host, terms);
    const store: LockStore = {
      capabilities: {
        scope: "shared",
        fencing: true,
        limits: true,
        fifo: terms.turns === 0,
        push: true,
        inspect: true,
        transactions: false,
        crashRelease: "lease",
      },
      connect: ({ events }) => this.#connect(handOff, events),
      take: (claims) => {
        for (const { id } of claims) this.claims.add(id);
        return handOff.take(claims);
      },
      renew: (renewals) => handOff.renew(renewals),
      release: (releases) => handOff.release(releases),
      releaseAll: (ownerId) => handOff.releaseAll(ownerId),
      inspect: (keys) => handOff.inspect(keys),
      close: () => {
        handOff.close();
        this.closed = true;
        this.listens = false;
        this.pushes = [];
        this.#listeningSince = null;
        this.#cutOff(new Error("The provider was closed"));
      },
    };
    this.provider = defineProvider({ identifier: channel, store, clock, random, callTimeout: "5s" });
  }

  get busy(): boolean {
    return this.requests.length + this.answers.length + this.pushes.length > 0;
  }

  /** The next request arrives; an `error` says that it was refused. */
  arrive(error: Error | null = null): void {
    const request = this.requests.shift();
    if (request === undefined) return;
    if (error !== null)
      return void this.answers.push(() => this.#settle(request, () => request.reject(error)));
    const reply = request.carryOut();
    this.answers.push(() => this.#settle(request, () => request.resolve(reply)));
  }

  hearAnswer(): void {
    this.answers.shift()?.();
  }

  hearPush(): void {
    const push = this.pushes.shift();
    if (push === undefined) return;
    if (push === "end") {
      this.#listeningSince = null;
    } else if (push === "subscribed") {
      this.#listeningSince = this.#clock.now();
      this.#heard.wakeAll();
    } else {
      tellEvents(this.#heard, push.text);
    }
  }

  /** One that the server had of a connection that was cut is carried out after all. */
  arriveStray(): void {
    this.strays.shift()?.carryOut();
  }

  /** @returns whether the server finds anybody listening. */
  publish(text: string): boolean {
    if (this.listens === true) this.pushes.push({ text });
    return this.listens !== false;
  }

  /** Its commands' connection is cut: so many requests were carried out, so many will be. It is back `after` milliseconds. */
  cut(carriedOut: number, late: number, after: number): void {
    if (!this.#ready || this.closed) return;
    for (const request of this.requests.slice(0, carriedOut)) request.carryOut();
    const strays = this.requests.slice(carriedOut, carriedOut + late);
    this.strays.push(...strays);
    this.#clock.after(
      15_000,
      () => {
        this.strays = this.strays.filter((stray) => !strays.includes(stray));
      },
      false,
    );
    this.#ready = false;
    this.#standing += 1;
    this.#cutOff(new Error("The connection to Redis was cut"));
    this.#clock.after(after, () => this.#cameBack(), false);
  }

  /** Its listening connection is cut. `abruptly`: what was on its way is lost, and the server does not know yet. */
  deafen(abruptly: boolean, after: number): void {
    if (this.closed || this.listens !== true) return;
    this.listens = abruptly ? "in vain" : false;
    if (abruptly) {
      this.pushes = [];
      this.#listeningSince = null;
    } else {
      this.pushes.push("end");
    }
    this.#clock.after(
      after,
      () => {
        if (this.closed) return;
        this.listens = true;
        this.pushes.push("subscribed");
      },
      false,
    );
  }

  async #connect(handOff: HandOff, events: StoreEvents): Promise<void> {
    const handOn = handOff.listen(events);
    this.#heard = {
      ...handOn,
      wake: (ids) => events.wake(ids),
      wakeAll: () => events.wakeAll(),
      lost: (ids, cause) => events.lost(ids, cause),
      lostAll: (cause) => events.lostAll(cause),
    };
  }

  #cameBack(): void {
    if (this.closed) return;
    this.#ready = true;
    this.#standing += 1;
    for (const go of this.#standby) go();
    this.#standby.clear();
  }

  #cutOff(error: Error): void {
    this.requests = [];
    this.answers = [];
    for (const request of this.#unanswered) request.reject(error);
    this.#unanswered.clear();
    if (this.closed) for (const go of this.#standby) go();
  }

  #settle(request: Request, settle: () => void): void {
    this.#unanswered.delete(request);
    settle();
  }

  /** A request that gives tokens: the server is made sure of first. */
  #run<T>(what: unknown, carryOut: () => T): Promise<T> {
    if (this.#ready && this.#sureOf === this.#standing) return this.#send(what, carryOut);
    return this.#runSurely(what, carryOut);
  }

  async #runSurely<T>(what: unknown, carryOut: () => T): Promise<T> {
    await this.#stands();
    if (this.#sureOf !== this.#standing) {
      this.#succession ??= this.#takeOver().finally(() => {
        this.#succession = null;
      });
      await this.#succession;
    }
    if (this.#sureOf !== this.#standing) throw new Error("The connection was made anew meanwhile");
    return this.#send(what, carryOut);
  }

  async #takeOver(): Promise<void> {
    let standing: number;
    do {
      await this.#stands();
      standing = this.#standing;
      await this.#send("succession", () => {});
    } while (standing !== this.#standing);
    this.#sureOf = standing;
  }

  async #send<T>(what: unknown, carryOut: () => T): Promise<T> {
    if (!this.#ready || this.closed) await this.#stands();
    return new Promise<T>((resolve, reject) => {
      const request: Request = {
        carryOut: () => {
          const reply = carryOut();
          this.#tell(() => `${this.#channel}: ${JSON.stringify(what)} = ${JSON.stringify(reply)}`);
          return reply;
        },
        resolve,
        reject,
      };
      this.#unanswered.add(request);
      this.requests.push(request);
      this.#clock.after(SILENCE, () => this.#unanswered.has(request) && this.cut(1, 1, 100), false);
    });
  }

  async #stands(): Promise<void> {
    if (this.closed) throw new Error("The provider is not connected");
    if (this.#ready) return;
    await new Promise<void>((resolve, reject) => {
      const overdue = this.#clock.after(CALL_TIMEOUT, () => reject(new Error("no connection")), false);
      this.#standby.add(() => {
        overdue.cancel();
        if (this.closed) reject(new Error("The provider was closed"));
        else resolve();
      });
    });
  }
}

type HandOffStand = (request: Omit<Parameters<ModelledServer["stand"]>[0], "channel">) => unknown;
