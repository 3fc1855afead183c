import { prepare } from "../providers/open.ts";
import { now } from "../sale/clock.ts";
import type { Mishap, SalePlan } from "../sale/plan.ts";
import type { OpenShop } from "../sale/shop.ts";
import { keyOfSale, type Staff } from "../sale/staff.ts";
import { WorkerProcess } from "./worker-process.ts";

/** Milliseconds; twice the lease, so that the lock of the frozen one has passed on when it wakes. */
const FROZEN_FOR = 4_000;

/** A process for each checkout. They share the lock through its backend, and the stock through the server's process. */
class Crew implements Staff {
  readonly #workers: readonly WorkerProcess[];
  readonly #shop: OpenShop;
  /** Milliseconds into a purchase at which its card is being charged. */
  readonly #midway: number;
  /** What is to befall the next one to be caught holding the lock. */
  #mishap: Mishap | null = null;

  constructor(plan: SalePlan, url: string, shop: OpenShop) {
    this.#shop = shop;
    this.#midway = plan.charge / 3;
    const key = keyOfSale();
    const provider = plan.locks ? plan.provider : null;
    this.#workers = Array.from({ length: plan.checkouts }, (_, index) => {
      const orders = { checkout: index + 1, key, charge: plan.charge };
      return new WorkerProcess({ type: "open", orders, provider, url }, shop, (worker) =>
        this.#watch(worker),
      );
    });
  }

  /** Resolves when all are connected to the locks, so that all start together. */
  async opened(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.opened));
  }

  async work(): Promise<void> {
    for (const worker of this.#workers) worker.start();
    await Promise.all(this.#workers.map((worker) => worker.gone));
  }

  strike(mishap: Mishap): string | null {
    if (mishap === "kill" && this.#workers.filter((worker) => worker.isWorking).length < 2) {
      return "Only one checkout is left: let it live.";
    }
    if (mishap === "freeze" && this.#workers.some((worker) => worker.isFrozen)) {
      return "One checkout is frozen already.";
    }
    this.#mishap = mishap;
    for (const worker of this.#workers) this.#watch(worker);
    return null;
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.dismiss()));
  }

  /** Catches the holder in the middle of a purchase: one that is about to release might have released by the time it dies. */
  #watch(worker: WorkerProcess): void {
    const since = worker.holdingSince;
    if (this.#mishap === null || since === null || !worker.isWorking) return;
    const soldOut = this.#shop.stock.left <= 0;
    const wait = soldOut ? 0 : this.#midway - (now() - since);
    if (wait < 0) return;
    setTimeout(() => {
      if (this.#mishap !== null && worker.isWorking && worker.holdingSince === since) this.#hit(worker);
    }, wait);
  }

  #hit(worker: WorkerProcess): void {
    const mishap = this.#mishap;
    this.#mishap = null;
    if (mishap === "kill") worker.kill();
    else void worker.freeze(FROZEN_FOR);
  }
}

export async function staffOfProcesses(plan: SalePlan, url: string, shop: OpenShop): Promise<Staff> {
  if (plan.locks) await prepare(plan.provider, url);
  const crew = new Crew(plan, url, shop);
  try {
    await crew.opened();
  } catch (error) {
    await crew.dismiss();
    throw error;
  }
  return crew;
}
