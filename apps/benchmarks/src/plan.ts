/** How long and how much is measured. */
export interface Plan {
  readonly rounds: number;
  /** How long each contender works before anything of it counts, for the compilers and caches. */
  readonly warmUpMilliseconds: number;
  /** Of each contender in each round. */
  readonly uncontendedMilliseconds: number;
  readonly contendedMilliseconds: number;
  /** Milliseconds in which those who still wait when a round is over may be served. */
  readonly patience: number;
  /** How many peers contend for one key: each takes up to four processes. */
  readonly contendingPeers: number;
  /** Whether peers compete a second time, tuned as their documentation advises. */
  readonly tuned: boolean;
  /** Whether the requests of peers are counted, too, and not ours alone. */
  readonly countPeers: boolean;
  readonly contests: readonly Contest[];
  readonly held: readonly number[];
  readonly heldOperations: number;
  readonly renewing: { readonly locks: number; readonly lease: number; readonly milliseconds: number };
  readonly queueDepth: number;
  readonly sized: number;
  /** How often locks are taken and given back while the tables are watched, and how often one looks. */
  readonly growth: { readonly cycles: number; readonly looks: number };
  readonly neighbours: { readonly waiters: number; readonly milliseconds: number };
}

/** One way to contend for a key. */
export interface Contest {
  readonly waiters: number;
  readonly processes: 1 | 4;
  readonly link: boolean;
  /** Milliseconds that each stays inside. */
  readonly hold: 0 | 1;
}

/** Milliseconds of the link's round trip. */
export const LINK_ROUND_TRIP = 1.25;
export const AT_ONCE = 64;

const alone = { processes: 1, link: false, hold: 1 } as const;

const contests: readonly Contest[] = [8, 64].flatMap((waiters) => [
  { ...alone, waiters },
  { ...alone, waiters, processes: 4 },
  { ...alone, waiters, link: true },
]);

export const fullPlan: Plan = {
  rounds: 7,
  warmUpMilliseconds: 3_000,
  uncontendedMilliseconds: 400,
  contendedMilliseconds: 400,
  patience: 700,
  contendingPeers: Infinity,
  tuned: true,
  countPeers: true,
  contests: [...contests, { ...alone, waiters: 64, hold: 0 }],
  held: [1, 1_000, 100_000],
  heldOperations: 200,
  renewing: { locks: 10_000, lease: 30, milliseconds: 30_000 },
  queueDepth: 10_000,
  sized: 20_000,
  growth: { cycles: 1_000_000, looks: 10 },
  neighbours: { waiters: 64, milliseconds: 4_000 },
};

/** A smoke check: every part runs once or twice. Its figures are worth nothing. */
export const quickPlan: Plan = {
  rounds: 1,
  warmUpMilliseconds: 60,
  uncontendedMilliseconds: 60,
  contendedMilliseconds: 100,
  patience: 200,
  contendingPeers: 1,
  tuned: false,
  countPeers: false,
  contests: [
    { ...alone, waiters: 8 },
    { ...alone, waiters: 8, link: true },
    { ...alone, waiters: 8, processes: 4 },
  ],
  held: [1, 1_000],
  heldOperations: 20,
  renewing: { locks: 500, lease: 2, milliseconds: 1_500 },
  queueDepth: 1_000,
  sized: 2_000,
  growth: { cycles: 2_000, looks: 2 },
  neighbours: { waiters: 8, milliseconds: 300 },
};

export function contestName({ waiters, processes, link, hold }: Contest): string {
  const where = processes === 4 ? "four processes" : "one process";
  const over = link ? `, over a link of ${LINK_ROUND_TRIP} ms` : "";
  return `${waiters} waiters, ${where}${over}${hold === 0 ? ", empty job" : ""}`;
}
