import type {
  Claim,
  LockStore,
  ProviderCapabilities,
  Release,
  ReleaseReply,
  Renewal,
  RenewReply,
  StoreContext,
  TakeReply,
} from "@lock/core";
import { CALL_TIMEOUT } from "./judge.ts";
import type { Mailbox } from "./model-grant.ts";
import { NetworkLink } from "./network-link.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** The store of one process: its requests reach the model through a network with delays and faults. */
export class SimulatedStore implements LockStore {
  readonly batch: number;
  readonly capabilities: ProviderCapabilities;
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #link: NetworkLink;
  readonly #released = new Set<string>();

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world;
    this.#process = process;
    this.#link = new NetworkLink(world, process);
    const { batch, push } = world.schedule.store;
    this.batch = batch;
    this.capabilities = {
      scope: "shared",
      fencing: true,
      limits: true,
      fifo: true,
      push,
      inspect: false,
      transactions: false,
      crashRelease: "lease",
    };
  }

  connect({ events }: StoreContext): void {
    this.#process.events = events;
  }

  take(claims: readonly Claim[]): Promise<readonly TakeReply[]> {
    const unclaimed = this.#world.unclaimed.get(this.#process)!;
    for (const { id } of claims) {
      if (this.#world.byClaim.has(id)) continue;
      // Claims are asked for in the order of the calls.
      const attempt = unclaimed.shift()!;
      attempt.claimId = id;
      this.#world.byClaim.set(id, attempt);
    }
    const hear = (claim: Claim, reply: TakeReply): void => {
      if (reply.status !== "failed") this.#world.byClaim.get(claim.id)!.answered = true;
    };
    return this.#link.exchange(claims, (claim) => this.#world.backend.take(claim, this.#mailbox), hear);
  }

  renew(renewals: readonly Renewal[]): Promise<readonly RenewReply[]> {
    for (const { grantId } of renewals) {
      const isJob = this.#world.byClaim.get(grantId)?.call.does === "execute";
      // A batch that failed is sent again, whatever has become of what is in it.
      if (isJob && this.#world.conditions.fair && this.#released.has(grantId)) {
        this.#world.violate(
          "renewed after release",
          `${this.#world.nameOf(grantId)} renews what it released`,
        );
      }
    }
    const sentAt = this.#world.clock.now();
    const hear = ({ grantId }: Renewal, reply: RenewReply): void => {
      // An answer that comes later has been given up, and the next is to tell.
      const inTime = this.#world.clock.now() - sentAt < CALL_TIMEOUT;
      if (reply.status === "lost" && inTime) this.#process.toldLost.add(grantId);
    };
    return this.#link.exchange(renewals, (renewal) => this.#world.backend.renew(renewal), hear);
  }

  release(releases: readonly Release[]): Promise<readonly ReleaseReply[]> {
    for (const each of releases) if (each.by === "grant") this.#released.add(each.grantId);
    const hear = (release: Release, reply: ReleaseReply): void => {
      if (release.by !== "grant" || reply.status !== "released") return;
      const attempt = this.#world.byClaim.get(release.grantId);
      // Of a lock that several calls of an owner have, the one that released it tells.
      if (attempt?.call.does === "execute") attempt.releasedAt = this.#world.clock.now();
    };
    return this.#link.exchange(releases, (release) => this.#world.backend.release(release), hear);
  }

  async releaseAll(ownerId: string | null): Promise<void> {
    const serve = (): ReleaseReply => {
      this.#world.backend.releaseAll(ownerId);
      return { status: "released", freed: true };
    };
    const [reply] = await this.#link.exchange([{ by: "owner", ownerId, keys: ["*"] } as const], serve);
    if (reply?.status === "failed") throw reply.error;
  }

  cut(silent: boolean): void {
    this.#link.cut = silent ? "silent" : "loud";
  }

  mend(): void {
    this.#link.cut = null;
    this.#process.deliver(() => this.#process.events?.wakeAll());
  }

  readonly #mailbox: Mailbox = {
    granted: (handover) =>
      this.#link.push(`granted ${this.#world.nameOf(handover.claimId)}, token ${handover.token}`, () =>
        this.#process.events?.granted(handover),
      ),
    wake: (claimId) =>
      this.#link.push(`wake ${this.#world.nameOf(claimId)}`, () => this.#process.events?.wake([claimId])),
    lost: (grantId) => {
      if (!this.#world.schedule.store.tellsLost) return;
      this.#link.push(`lost ${this.#world.nameOf(grantId)}`, () => {
        this.#process.toldLost.add(grantId);
        this.#process.events?.lost([grantId]);
      });
    },
  };
}
