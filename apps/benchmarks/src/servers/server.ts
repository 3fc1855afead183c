import type { Contender } from "../contender.ts";

/** What the contenders compete on, and what it can be asked about them. */
export interface Server {
  readonly url: string;
  /** What it is and how it is set. */
  readonly about: string;
  /** How many requests of the kinds that this contender sends it has carried out so far. */
  requests(contender: Contender): Promise<number>;
  /** How many connections of contenders there are. */
  connections(): Promise<number>;
  /** Bytes that are stored. */
  stored(): Promise<number>;
  /** Seconds that it has computed; `NaN` where it can't tell. */
  computed(): Promise<number>;
  stop(): Promise<void>;
}
