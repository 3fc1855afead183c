import type { Claim, Handover, Release, ReleaseReply, TakeReply } from "@lock/core";
import type { Locks } from "../src/bucket.ts";
import { HandOff } from "../src/hand-off/hand-off.ts";
import type { GivenBack } from "../src/hand-off/host.ts";
import { STRICT } from "../src/hand-off/terms.ts";
import type { NotedRelease } from "../src/operations/release.ts";
import type { StandReply } from "../src/operations/stand.ts";
import { byGrant } from "./instance.ts";

interface Scripted {
  /** What is heard of the server. */
  readonly server: ReturnType<HandOff["listen"]>;
  /** Requests to take, each to be answered. */
  readonly asked: { readonly claims: readonly Claim[]; answer(replies: TakeReply[]): Promise<void> }[];
  /** The same, for its word. */
  readonly words: { answer(reply: StandReply): Promise<void> }[];
  readonly released: Release[];
  /** Grants that were released together with their note at the key. */
  readonly noted: string[];
  readonly withdrawn: string[];
  readonly handovers: Handover[];
  readonly lost: string[];
  /** Releases are answered when it is open. */
  readonly gate: { open: Promise<void> };
  readonly handOff: HandOff;
  take(this: void, claim: Claim): Promise<TakeReply | undefined>;
  release(this: void, claim: Claim): Promise<ReleaseReply | undefined>;
}

/** A hand-off whose server says what the test has it say, when it has it say so. */
export function scripted(): Scripted {
  const asked: Scripted["asked"] = [];
  const words: Scripted["words"] = [];
  const released: Release[] = [];
  const noted: string[] = [];
  const free = ({ noted: withNote = false, ...release }: NotedRelease): void => {
    released.push(release);
    if (withNote && release.by === "grant") noted.push(release.grantId);
  };
  const withdrawn: string[] = [];
  const handovers: Handover[] = [];
  const lost: string[] = [];
  const gate = { open: Promise.resolve() };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const answerable = <T>() => {
    let resolve!: (reply: T) => void;
    const reply = new Promise<T>((settle) => {
      resolve = settle;
    });
    return { reply, answer: (value: T) => (resolve(value), turn()) };
  };
  const locks: Locks = {
    open: async () => {},
    take: (claims) => {
      const { reply, answer } = answerable<TakeReply[]>();
      asked.push({ claims, answer });
      return reply;
    },
    renew: async (renewals) => renewals.map(({ lease }) => ({ status: "renewed", remaining: lease })),
    release: async (releases) => {
      releases.forEach(free);
      await gate.open;
      return releases.map(() => ({ status: "released", freed: true }));
    },
    releaseAll: async () => {},
    inspect: async () => [],
  };
  const host = {
    standing: 1,
    listeningSince: 0,
    stand: () => {
      const { reply, answer } = answerable<StandReply>();
      words.push({ answer });
      return reply;
    },
    withdraw: ({ id }: Claim) => void withdrawn.push(id),
    giveBack: async ({ key, until: _until, ...grant }: GivenBack) => {
      free({ by: "grant", keys: [key], ...grant });
      return { status: "released", freed: true } as const;
    },
  };
  const handOff = new HandOff(locks, host, STRICT);
  const server = handOff.listen({
    granted: (handover) => void handovers.push(handover),
    wake() {},
    wakeAll() {},
    lost: (ids) => void lost.push(...ids),
    lostAll() {},
  });
  const take = (claim: Claim) => Promise.resolve(handOff.take([claim])).then(([reply]) => reply);
  const release = (claim: Claim) =>
    Promise.resolve(handOff.release([byGrant(claim.id)])).then(([reply]) => reply);
  return {
    server,
    take,
    release,
    asked,
    words,
    released,
    noted,
    withdrawn,
    handovers,
    lost,
    gate,
    handOff,
  };
}

export const granted = (claim: Claim, token: number): TakeReply => ({
  status: "granted",
  grantId: claim.id,
  token,
  remaining: claim.lease,
});
export const queued = (ticket: number): TakeReply => ({ status: "queued", ticket, checkIn: 1_000 });
