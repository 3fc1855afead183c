import type { Mishap, SalePlan } from "../sale/plan.ts";
import { Sale } from "../sale/sale.ts";
import type { Broadcast, PastSale, Progress, Scene } from "./view.ts";

/** Milliseconds between two looks at the running sale. */
const BEAT = 40;
const REMEMBERED = 8;

/** Where the sales take place, one at a time, before whoever watches. */
export class Stage {
  readonly #watchers = new Set<(broadcast: Broadcast) => void>();
  #past: readonly PastSale[] = [];
  #sale: Sale | null = null;
  #running = false;
  #id = 0;

  get isBusy(): boolean {
    return this.#running;
  }

  /** @param url - where the locks are kept; `null`: in memory. */
  start(plan: SalePlan, url: string | null): void {
    this.#id++;
    const sale = new Sale(plan, url);
    this.#sale = sale;
    this.#running = true;
    let seen = 0;
    this.#tell({ event: "scene", data: this.scene });
    const beat = setInterval(() => {
      this.#tell({ event: "progress", data: progress(sale, seen) });
      seen = sale.events.length;
    }, BEAT);
    void sale.ended.then(() => {
      clearInterval(beat);
      this.#running = false;
      if (sale.status !== "failed") this.#remember(sale);
      this.#tell({ event: "scene", data: this.scene });
    });
  }

  /** @returns why it can't be, or `null`. */
  strike(mishap: Mishap): string | null {
    return this.#sale ? this.#sale.strike(mishap) : "No sale is running.";
  }

  /** Ends the running sale, if there is one. */
  async stop(): Promise<void> {
    if (this.#running) await this.#sale?.stop();
  }

  get scene(): Scene {
    const sale = this.#sale;
    return {
      sale: sale && { id: this.#id, plan: sale.plan, ...progress(sale, 0) },
      past: this.#past,
    };
  }

  /** @returns a function that ends the watching. */
  watch(watcher: (broadcast: Broadcast) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #remember({ plan, status, elapsed, tally }: Sale): void {
    this.#past = [{ id: this.#id, plan, status, elapsed, tally }, ...this.#past].slice(0, REMEMBERED);
  }

  #tell(broadcast: Broadcast): void {
    for (const watcher of this.#watchers) watcher(broadcast);
  }
}

function progress({ status, problem, elapsed, events, tally }: Sale, from: number): Progress {
  return { status, problem, elapsed, events: events.slice(from), tally };
}
