import { isLockError } from "../contract/errors.ts";
import type { Release, ReleaseReply } from "../contract/lock-store.ts";
import { UNSET, type Agenda, type Appointment } from "./agenda.ts";
import type { Clock } from "./clock.ts";
import type { Receiver } from "./outbox.ts";
import { pauseAfter } from "./pause.ts";

export interface DeliveryHost {
  readonly clock: Clock;
  /** It does not keep the process up: what can't be delivered ends with its lease. */
  readonly leases: Agenda;
  /** The store is closed: nothing can be delivered any more. */
  readonly closed: boolean;
  random(): number;
  release(release: Release, receiver: Receiver<Exclude<ReleaseReply, { readonly status: "failed" }>>): void;
  delivered(delivery: Delivery): void;
}

/**
 * A release or withdrawal by id that must get through, in the background: repeated, which is safe since it names
 * its own grant, until the backend has answered or there can be nothing left to free.
 */
export class Delivery implements Appointment, Receiver<unknown> {
  slot: number = UNSET;
  readonly #host: DeliveryHost;
  readonly #release: Release;
  readonly #until: number;
  readonly #tried: (() => void) | null;
  #tries = 0;

  /** `tried`: called after the first try, whatever came of it. */
  constructor(host: DeliveryHost, release: Release, until: number, tried: (() => void) | null) {
    this.#host = host;
    this.#release = release;
    this.#until = until;
    this.#tried = tried;
  }

  send(): void {
    this.#tries += 1;
    this.#host.release(this.#release, this);
  }

  answered(): void {
    this.#host.delivered(this);
    if (this.#tries === 1) this.#tried?.();
  }

  failed(error: unknown): void {
    const next = this.#host.clock.now() + pauseAfter(this.#tries, 50, 5_000, this.#host.random());
    if (isLockError(error) || next >= this.#until || this.#host.closed) this.#host.delivered(this);
    else this.#host.leases.set(this, next);
    if (this.#tries === 1) this.#tried?.();
  }

  due(): void {
    this.send();
  }
}
