import type { ProviderCapabilities } from "../../src/contract/capabilities.ts";
import type {
  Claim,
  LockStore,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  StoreEvents,
  TakeReply,
} from "../../src/contract/lock-store.ts";
import type { ManualClock } from "./manual-clock.ts";
import type { ModelBackend } from "./model-backend.ts";

/** How the network between a store and its backend behaves. */
export interface Weather {
  /** Milliseconds, each way. */
  delay(): number;
  /**
   * What happens to a request: nothing; it never arrives; its reply never does; the caller hears nothing at all; or
   * the caller is told of a cut and the request arrives all the same, much later.
   */
  request(): "fine" | "lost" | "reply-lost" | "stalled" | "late";
  /** Whether a push arrives. */
  push(): boolean;
}

/** A store whose backend is a model, reached through weather, all in virtual time. */
export class SimulatedStore implements LockStore {
  readonly batch: number = 8;
  readonly capabilities: ProviderCapabilities = {
    scope: "shared",
    fencing: true,
    limits: true,
    fifo: true,
    push: true,
    inspect: false,
    transactions: false,
    crashRelease: "lease",
  };
  readonly #backend: ModelBackend;
  readonly #clock: ManualClock;
  readonly #weather: Weather;
  #events: StoreEvents | null = null;

  constructor(backend: ModelBackend, clock: ManualClock, weather: Weather) {
    this.#backend = backend;
    this.#clock = clock;
    this.#weather = weather;
  }

  connect({ events }: StoreContext): void {
    this.#events = events;
  }

  take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
    return this.#exchange(() =>
      claims.map((claim) =>
        this.#backend.take(claim, (handover) => {
          if (!this.#weather.push()) return;
          this.#clock.after(this.#weather.delay(), () => this.#events?.granted(handover));
        }),
      ),
    );
  }

  renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
    return this.#exchange(() => renewals.map((renewal) => this.#backend.renew(renewal)));
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    return this.#exchange(() => releases.map((release) => this.#backend.release(release)));
  }

  releaseAll(): void {
    throw new Error("The model knows no owners");
  }

  #exchange<T>(serve: () => T): Promise<T> {
    const fate = this.#weather.request();
    return new Promise((resolve, reject) => {
      this.#clock.after(this.#weather.delay(), () => {
        if (fate === "lost" || fate === "late") reject(new Error("cut on the way there"));
        if (fate === "late") this.#clock.after(this.#weather.delay() * 50, serve);
        if (fate === "lost" || fate === "late") return;
        const reply = serve();
        // A stalled reply never comes, and nobody says so.
        if (fate === "stalled") return;
        this.#clock.after(this.#weather.delay(), () => {
          if (fate === "reply-lost") reject(new Error("cut on the way back"));
          else resolve(reply);
        });
      });
    });
  }
}
