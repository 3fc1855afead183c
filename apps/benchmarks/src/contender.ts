import type { Job, Where } from "./work/job.ts";

/** What is compared in which scenario. */
export type Scenario = "uncontended" | "contended" | "queue" | "bytes";

/** A library, or the plain client, as it competes. */
export interface Contender {
  /** As tables name it; differs from every other of its backend. */
  readonly name: string;
  readonly standing: "ours" | "raw" | "peer";
  /** How a peer is set up where that isn't its default. */
  readonly tuned?: string;
  readonly scenarios: readonly Scenario[];
  /** The Redis commands that its clients send; what its scripts call is no command of its own. */
  readonly sends?: readonly string[];
  /** PostgreSQL counts transactions; how many statements each of its transactions is. Default: 1. */
  readonly statementsPerTransaction?: number;
  open(where: Where): Promise<Opened>;
}

/** A contender that is connected. */
export interface Opened {
  /** Takes the key, runs the job, gives the key back. Rejects where it gives up waiting. */
  run(key: string, job: Job): Promise<unknown>;
  /** Takes the key and keeps it, where it can be kept without a job. */
  hold?(key: string): Promise<unknown>;
  close(): Promise<unknown> | void;
}
