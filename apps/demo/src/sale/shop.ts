import { now } from "./clock.ts";
import type { SaleEvent } from "./event.ts";
import { Stock, type Write } from "./stock.ts";

/** What a checkout sees of the shop, from this process or, over IPC, from another. */
export interface Shop {
  /** The next buyer in line; `null` when all have been served. */
  nextBuyer(): Promise<number | null>;
  read(): Promise<number>;
  write(write: Write): Promise<boolean>;
  /** With `at` as `now()` gave it. */
  report(event: SaleEvent): void;
}

/** The shop itself. There is one for each sale, in the process of the server. */
export class OpenShop implements Shop {
  readonly stock: Stock;
  readonly events: SaleEvent[] = [];
  readonly #buyers: number;
  readonly #onReport: () => void;
  #openedAt: number | null = null;
  #served = 0;

  constructor(stock: number, buyers: number, onReport: () => void) {
    this.stock = new Stock(stock);
    this.#buyers = buyers;
    this.#onReport = onReport;
  }

  /** The clock of the sale starts. */
  open(): void {
    this.#openedAt = now();
  }

  /** Milliseconds since it opened. */
  get elapsed(): number {
    return this.#openedAt === null ? 0 : now() - this.#openedAt;
  }

  async nextBuyer(): Promise<number | null> {
    return this.#served < this.#buyers ? ++this.#served : null;
  }

  read(): Promise<number> {
    return this.stock.read();
  }

  write(write: Write): Promise<boolean> {
    return this.stock.write(write);
  }

  report(event: SaleEvent): void {
    this.events.push({ ...event, at: Math.max(0, event.at - (this.#openedAt ?? event.at)) });
    this.#onReport();
  }
}
