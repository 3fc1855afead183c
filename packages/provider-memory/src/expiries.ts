import type { Holding } from "./key-record.ts";

/** How often expired holdings that nobody asked for again are cleared away. */
const INTERVAL = 30_000;

/**
 * The holdings that expire. One that has expired counts as gone by itself; this only sees to it that memory is not kept
 * for keys that nobody asks for again.
 */
export class Expiries {
  readonly #holdings = new Set<Holding>();
  readonly #clear: (expired: readonly Holding[]) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(clear: (expired: readonly Holding[]) => void) {
    this.#clear = clear;
  }

  get none(): boolean {
    return this.#holdings.size === 0;
  }

  /** Takes note of a holding, or of its new expiry. */
  note(holding: Holding): void {
    if (holding.expiresAt === Infinity) return this.forget(holding);
    this.#holdings.add(holding);
    this.#timer ??= setInterval(() => this.#sweep(), INTERVAL).unref();
  }

  forget(holding: Holding): void {
    this.#holdings.delete(holding);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #sweep(): void {
    const now = performance.now();
    this.#clear([...this.#holdings].filter((holding) => holding.expiresAt <= now));
    if (this.#holdings.size === 0) this.close();
  }
}
