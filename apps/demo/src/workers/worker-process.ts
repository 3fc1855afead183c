import { fork, type ChildProcess } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { now } from "../sale/clock.ts";
import type { SaleEvent } from "../sale/event.ts";
import type { Shop } from "../sale/shop.ts";
import type { FromWorker, Question, ToWorker } from "./messages.ts";

/** Milliseconds in which everything that a process sent before it was stopped has been read. */
const DRAIN = 20;

/** One checkout in a process of its own, as the server sees it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #checkout: number;
  readonly #shop: Shop;
  readonly #onHolding: (worker: WorkerProcess) => void;
  readonly #opened: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #gone: Promise<unknown>;
  #state: "opening" | "working" | "frozen" | "dismissed" | "gone" = "opening";
  #buyer: number | null = null;
  #holdingSince: number | null = null;
  #lastReport = 0;
  #struckAt: number | null = null;

  constructor(
    order: Extract<ToWorker, { type: "open" }>,
    shop: Shop,
    onHolding: (worker: WorkerProcess) => void,
  ) {
    this.#checkout = order.orders.checkout;
    this.#shop = shop;
    this.#onHolding = onHolding;
    this.#child = fork(new URL("../worker.ts", import.meta.url), {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      serialization: "advanced",
    });
    this.#child.on("message", (message: FromWorker) => this.#receive(message));
    // What can't be told to a process that was just killed needs no telling.
    this.#child.on("error", () => {});
    // Both: what it sent last may be read after its exit.
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    const drained = new Promise((resolve) => this.#child.once("disconnect", resolve));
    this.#gone = Promise.all([exited, drained]).then(() => this.#end());
    this.#tell(order);
  }

  /** When it is connected to the locks. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  get gone(): Promise<unknown> {
    return this.#gone;
  }

  get isWorking(): boolean {
    return this.#state === "working";
  }

  get isFrozen(): boolean {
    return this.#state === "frozen";
  }

  /** Since when it has held the lock, or been where the lock would be; `null`: it isn't. */
  get holdingSince(): number | null {
    return this.#holdingSince;
  }

  start(): void {
    this.#state = "working";
    this.#tell({ type: "start" });
  }

  /** As the operating system does when memory runs out: it gets no chance to release anything. */
  kill(): void {
    this.#struckAt = now();
    this.#child.kill("SIGKILL");
  }

  /** Stops it dead for a while. What it does when it goes on, it does as if no time had passed. */
  async freeze(milliseconds: number): Promise<void> {
    const at = now();
    this.#state = "frozen";
    this.#child.kill("SIGSTOP");
    await pause(DRAIN);
    this.#report({ kind: "frozen", at, checkout: this.#checkout });
    await pause(milliseconds - DRAIN);
    if (this.#state !== "frozen") return;
    this.#state = "working";
    this.#report({ kind: "thawed", at: now(), checkout: this.#checkout });
    this.#child.kill("SIGCONT");
  }

  /** Ends it without a word in the books, also when it is stopped. */
  async dismiss(): Promise<void> {
    if (this.#state !== "gone") this.#state = "dismissed";
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        return this.#opened.resolve();
      case "broken":
        return this.#opened.reject(new Error(message.reason));
      case "question":
        void this.#answer(message.question).then((value) =>
          this.#tell({ type: "answer", id: message.id, value }),
        );
        return;
      case "report":
        return this.#follow(message.event);
    }
  }

  #answer(question: Question): Promise<unknown> {
    if (question.ask === "nextBuyer") return this.#shop.nextBuyer();
    return question.ask === "read" ? this.#shop.read() : this.#shop.write(question.write);
  }

  #follow(event: SaleEvent): void {
    this.#report(event);
    if (event.kind === "waiting") this.#buyer = event.buyer;
    else if (event.kind === "left" || event.kind === "failed") this.#buyer = null;
    this.#holdingSince = event.kind === "holding" ? event.at : null;
    if (event.kind === "holding") this.#onHolding(this);
  }

  #report(event: SaleEvent): void {
    if (this.#state === "dismissed") return;
    this.#lastReport = Math.max(this.#lastReport, event.at);
    this.#shop.report({ ...event, at: this.#lastReport });
  }

  #end(): void {
    this.#opened.reject(new Error(`Checkout ${this.#checkout} ended before it could open.`));
    const finished = this.#child.exitCode === 0 || this.#state === "opening";
    if (!finished) {
      this.#report({
        kind: "died",
        at: this.#struckAt ?? now(),
        checkout: this.#checkout,
        buyer: this.#buyer,
      });
    }
    this.#state = "gone";
    this.#holdingSince = null;
  }

  #tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message);
  }
}
