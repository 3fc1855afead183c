import type { SaleEvent } from "../sale/event.ts";
import type { Shop } from "../sale/shop.ts";
import type { Write } from "../sale/stock.ts";
import type { FromWorker, Question } from "./messages.ts";

/** The shop as a worker process sees it: every look at the stock is a message to the server and one back. */
export class DistantShop implements Shop {
  readonly #send: (message: FromWorker) => void;
  readonly #open = new Map<number, (value: unknown) => void>();
  #asked = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  nextBuyer(): Promise<number | null> {
    return this.#ask({ ask: "nextBuyer" });
  }

  read(): Promise<number> {
    return this.#ask({ ask: "read" });
  }

  write(write: Write): Promise<boolean> {
    return this.#ask({ ask: "write", write });
  }

  report(event: SaleEvent): void {
    this.#send({ type: "report", event });
  }

  answered(id: number, value: unknown): void {
    this.#open.get(id)?.(value);
    this.#open.delete(id);
  }

  #ask<T>(question: Question): Promise<T> {
    const id = ++this.#asked;
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#open.set(id, (value) => resolve(value as T));
    this.#send({ type: "question", id, question });
    return promise;
  }
}
