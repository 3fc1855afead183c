import { isLockError } from "@lock/core";

interface Posted<Request, Reply> {
  readonly request: Request;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The most requests in one script: enough to make the way to the server cheap, and so few that of many callers the first are being
 * served while the last are still put into words (64 callers: 1.6 of the plain client's speed, in one batch of all 1.2).
 */
export const MOST_TOGETHER = 32;

/** Sends what is asked of one bucket in one tick as one script. */
export class SameTick<Request, Reply> {
  readonly #send: (requests: readonly Request[]) => Promise<readonly Reply[]>;
  #posted: Posted<Request, Reply>[] = [];

  constructor(send: (requests: readonly Request[]) => Promise<readonly Reply[]>) {
    this.#send = send;
  }

  post(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#posted.push({ request, resolve, reject });
      if (this.#posted.length === MOST_TOGETHER) this.#flush();
      else if (this.#posted.length === 1) process.nextTick(() => this.#flush());
    });
  }

  #flush(): void {
    const posted = this.#posted;
    if (posted.length === 0) return;
    this.#posted = [];
    void this.#carry(posted);
  }

  async #carry(posted: readonly Posted<Request, Reply>[]): Promise<void> {
    try {
      const replies = await this.#send(posted.map(({ request }) => request));
      for (const [n, { resolve }] of posted.entries()) resolve(replies[n] as Reply);
    } catch (error) {
      // Refused by the server, so nothing was carried out, and one of them may be all that it refuses. What was not answered may
      // have been carried out: whether to ask again is for those who asked.
      const apart = posted.length > 1 && isLockError(error);
      for (const one of posted) {
        if (apart) void this.#carry([one]);
        else one.reject(error);
      }
    }
  }
}
