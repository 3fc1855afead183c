/** The wait of a call for a provider's answer, which its caller or the end of the service may cut short. */
export class Wait {
  readonly keys: readonly string[];
  readonly #caller: AbortSignal | undefined;
  readonly #controller = new AbortController();
  #reject: ((reason: Error) => void) | null = null;
  #ended = false;

  constructor(keys: readonly string[], caller: AbortSignal | undefined) {
    caller?.throwIfAborted();
    this.keys = keys;
    this.#caller = caller;
    caller?.addEventListener("abort", this.#aborted);
  }

  /** What the class is told: it aborts when nobody waits any more, and never once the wait has ended. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Tells in the moment it is cut short, at once where it was already. */
  whenAborted(tell: () => void): void {
    if (this.signal.aborted) tell();
    else this.signal.addEventListener("abort", tell);
  }

  /** Cuts it short. */
  abort(reason: unknown): void {
    if (this.#ended) return;
    this.end();
    this.#controller.abort(reason);
    this.#reject?.(reason as Error);
  }

  /** From here on an abort is no concern of the wait. */
  end(): void {
    this.#ended = true;
    this.#caller?.removeEventListener("abort", this.#aborted);
  }

  /** The answer, or the reason for which it was cut short. */
  async orAborted<T>(answer: Promise<T>): Promise<T> {
    const aborted = new Promise<never>((_resolve, reject) => (this.#reject = reject));
    // From within the call that is to answer.
    if (this.signal.aborted) this.#reject?.(this.signal.reason as Error);
    try {
      return await Promise.race([answer, aborted]);
    } finally {
      this.end();
    }
  }

  readonly #aborted = (): void => this.abort(this.#caller?.reason);
}
