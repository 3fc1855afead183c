import { staffOfProcesses } from "../workers/crew.ts";
import type { SaleEvent } from "./event.ts";
import type { Mishap, SalePlan } from "./plan.ts";
import { OpenShop } from "./shop.ts";
import { staffHere, type Staff } from "./staff.ts";
import { tally, type Tally } from "./tally.ts";

export type SaleStatus = "opening" | "selling" | "done" | "stopped" | "failed";

/** A sale, from hiring the staff to the last buyer. */
export class Sale {
  readonly plan: SalePlan;
  /** Resolves at the end, whichever it is. */
  readonly ended: Promise<void>;
  readonly #shop: OpenShop;
  readonly #stopped: PromiseWithResolvers<void> = Promise.withResolvers();
  #staff: Staff | null = null;
  #status: SaleStatus = "opening";
  #problem: string | null = null;
  #endedAt: number | null = null;
  #mishap: Mishap | null;

  /** @param url - where the locks are kept; `null`: in memory. */
  constructor(plan: SalePlan, url: string | null) {
    this.plan = plan;
    this.#mishap = plan.mishap;
    this.#shop = new OpenShop(plan.stock, plan.buyers, () => this.#strikeWhenDue());
    this.ended = this.#run(url);
  }

  get status(): SaleStatus {
    return this.#status;
  }

  /** Why it failed. */
  get problem(): string | null {
    return this.#problem;
  }

  get events(): readonly SaleEvent[] {
    return this.#shop.events;
  }

  /** Milliseconds since the shop opened. */
  get elapsed(): number {
    return this.#endedAt ?? this.#shop.elapsed;
  }

  get tally(): Tally {
    const { left, receipts } = this.#shop.stock;
    return tally({ stock: this.plan.stock, left, receipts, events: this.events });
  }

  /** @returns why it can't be, or `null`. */
  strike(mishap: Mishap): string | null {
    if (this.#status !== "selling" || !this.#staff) return "No sale is running.";
    return this.#staff.strike(mishap);
  }

  /** Ends it early. */
  async stop(): Promise<void> {
    this.#stopped.resolve();
    await this.ended;
  }

  async #run(url: string | null): Promise<void> {
    try {
      this.#staff =
        url === null
          ? await staffHere(this.plan, this.#shop)
          : await staffOfProcesses(this.plan, url, this.#shop);
      this.#shop.open();
      this.#status = "selling";
      this.#status = await Promise.race([
        this.#stopped.promise.then(() => "stopped" as const),
        this.#staff.work().then(() => "done" as const),
      ]);
    } catch (error) {
      this.#status = "failed";
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#endedAt = this.#shop.elapsed;
      await this.#staff?.dismiss();
    }
  }

  #strikeWhenDue(): void {
    const { stock, buyers } = this.plan;
    if (this.#mishap === null || this.#shop.stock.receipts.length < Math.min(stock, buyers) / 3) return;
    this.strike(this.#mishap);
    this.#mishap = null;
  }
}
