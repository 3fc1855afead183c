/** Something that happened to a claim in one of the processes. */
export interface HistoryEvent {
  /** When, in nanoseconds of the monotonic clock, which all processes of one machine share. */
  readonly at: bigint;
  /** The process it happened in, or what took its place. */
  readonly process: string;
  /** The claim, unique within its process. */
  readonly call: number;
  /**
   * - `"asked"`: it began.
   * - `"granted"`: from here on the process acts as a holder.
   * - `"released"`: to here it acted as a holder; noted before it lets go.
   * - `"lost"`: to here; it was told that the lock is gone.
   * - `"refused"`: it ended without a grant.
   * - `"suspended"`: the process was killed or stopped, so that none of its claims acts any more (`call` and `keys` mean nothing).
   */
  readonly kind: "asked" | "granted" | "released" | "lost" | "refused" | "suspended";
  readonly keys: readonly string[];
  readonly limit: number;
  /** Of a grant, where the provider has fencing tokens. */
  readonly token?: bigint | undefined;
  /** Of a grant, where it has an owner: one that is granted again in place holds one grant, with one token, by several claims. */
  readonly ownerId?: string | null | undefined;
}

/** The event in words, without when and where. */
export function describeEvent({ kind, keys, call, token }: HistoryEvent): string {
  if (kind === "suspended") return kind;
  return `${kind} [${keys.join(", ")}] by call ${call}${token === undefined ? "" : `, token ${token}`}`;
}

/** Earlier events first; those of one moment as they were noted. */
export function inOrder(events: Iterable<HistoryEvent>): HistoryEvent[] {
  return [...events].sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}
