import { inspect } from "node:util";
import type { Awaitable } from "../contract/lock-store.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";

/** Who is told what became of a request, once. `sentAt` is when the request went out. */
export interface Receiver<Reply> {
  /** `repeated`: the request was sent before in a batch that failed, and may have been carried out then. */
  answered(reply: Reply, sentAt: number, repeated: boolean): void;
  failed(error: unknown, sentAt: number): void;
}

type Failure = { readonly status: "failed"; readonly error: unknown };

export interface OutboxSettings<Request, Reply> {
  readonly clock: Clock;
  readonly agenda: Agenda;
  /** The most requests to send together; 1: each is sent at once. */
  readonly batch: number;
  /** Milliseconds after which no answer counts as failure. */
  readonly callTimeout: number;
  /** Whether a request may be sent again when the batch it travelled in failed. */
  readonly repeatable: boolean;
  send(requests: readonly Request[]): Awaitable<readonly Reply[]>;
  /** Whether it is a reply at all; `failed` is one anyway. */
  isReply(reply: Reply): boolean;
}

/**
 * Sends the requests of one tick together, each sender hearing of its own. A batch that fails as a whole is sent
 * again one by one, so that a request that can't be answered takes no other down with it.
 */
export class Outbox<Request, Reply extends { readonly status: string } | Failure> {
  readonly #settings: OutboxSettings<Request, Reply>;
  #requests: Request[] = [];
  #receivers: Receiver<Exclude<Reply, Failure>>[] = [];

  constructor(settings: OutboxSettings<Request, Reply>) {
    this.#settings = settings;
  }

  post(request: Request, receiver: Receiver<Exclude<Reply, Failure>>): void {
    if (this.#settings.batch === 1) return this.#dispatch([request], [receiver]);
    this.#requests.push(request);
    this.#receivers.push(receiver);
    if (this.#requests.length === this.#settings.batch) this.#flush();
    // nextTick runs after all that this tick's promises set off, so that what they ask travels together.
    else if (this.#requests.length === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const requests = this.#requests;
    const receivers = this.#receivers;
    if (requests.length === 0) return;
    this.#requests = [];
    this.#receivers = [];
    this.#dispatch(requests, receivers);
  }

  /** Takes over a request that was sent at `sentAt` past this outbox. */
  adopt(
    replies: Awaitable<readonly Reply[]>,
    request: Request,
    receiver: Receiver<Exclude<Reply, Failure>>,
    sentAt: number,
  ): void {
    this.#receive(replies, [request], [receiver], sentAt, false);
  }

  #receive(
    replies: Awaitable<readonly Reply[]>,
    requests: readonly Request[],
    receivers: readonly Receiver<Exclude<Reply, Failure>>[],
    sentAt: number,
    repeated: boolean,
  ): void {
    if (isThenable(replies)) this.#await(replies, requests, receivers, sentAt, repeated);
    else this.#deliver(requests, receivers, replies, sentAt, repeated);
  }

  #dispatch(
    requests: readonly Request[],
    receivers: readonly Receiver<Exclude<Reply, Failure>>[],
    repeated = false,
  ): void {
    const sentAt = this.#settings.clock.now();
    let replies: Awaitable<readonly Reply[]>;
    try {
      replies = this.#settings.send(requests);
    } catch (error) {
      return this.#fail(requests, receivers, error, sentAt);
    }
    this.#receive(replies, requests, receivers, sentAt, repeated);
  }

  #await(
    replies: PromiseLike<readonly Reply[]>,
    requests: readonly Request[],
    receivers: readonly Receiver<Exclude<Reply, Failure>>[],
    sentAt: number,
    repeated: boolean,
  ): void {
    const { agenda, callTimeout } = this.#settings;
    let over = false;
    const overdue: Appointment = {
      slot: UNSET,
      due: () => {
        over = true;
        const error = new Error(`The backend gave no answer within ${callTimeout} ms`);
        for (const receiver of receivers) receiver.failed(error, sentAt);
      },
    };
    agenda.set(overdue, sentAt + callTimeout);
    replies.then(
      (answers) => {
        agenda.cancel(overdue);
        if (!over) this.#deliver(requests, receivers, answers, sentAt, repeated);
      },
      (error: unknown) => {
        agenda.cancel(overdue);
        if (!over) this.#fail(requests, receivers, error, sentAt);
      },
    );
  }

  #deliver(
    requests: readonly Request[],
    receivers: readonly Receiver<Exclude<Reply, Failure>>[],
    replies: readonly Reply[],
    sentAt: number,
    repeated: boolean,
  ): void {
    if (replies?.length !== requests.length) {
      const error = new Error(`The store answered ${replies?.length} of ${requests.length} requests`);
      return this.#fail(requests, receivers, error, sentAt);
    }
    for (const [index, receiver] of receivers.entries()) {
      const reply = replies[index];
      // Thrown from here it would be nobody's: the receiver would wait, and the process end with it.
      if (reply == null) receiver.failed(new Error("The store answered a request with nothing"), sentAt);
      else if (isFailure(reply)) receiver.failed(reply.error, sentAt);
      else if (!this.#settings.isReply(reply)) receiver.failed(noReply(reply), sentAt);
      else receiver.answered(reply as Exclude<Reply, Failure>, sentAt, repeated);
    }
  }

  #fail(
    requests: readonly Request[],
    receivers: readonly Receiver<Exclude<Reply, Failure>>[],
    error: unknown,
    sentAt: number,
  ): void {
    for (const [index, receiver] of receivers.entries()) {
      if (requests.length > 1 && this.#settings.repeatable)
        this.#dispatch([requests[index]!], [receiver], true);
      else receiver.failed(error, sentAt);
    }
  }
}

export function isThenable<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null)?.then === "function";
}

/** What is wrong with a store that answered this. */
export function noReply(reply: unknown): Error {
  const what = inspect(reply, { depth: 1, breakLength: Infinity });
  return new Error(`The store answered a request with ${what}, which is no reply to it`);
}

function isFailure(reply: { readonly status: string } | Failure): reply is Failure {
  return reply.status === "failed";
}
