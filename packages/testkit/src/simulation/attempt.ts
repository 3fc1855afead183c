import type { WaitingCall } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A call to `execute` or `acquire`, as it went. */
export interface Attempt {
  readonly call: WaitingCall;
  readonly process: SimulatedProcess;
  /** What aborts its signal; the story's reason for an abort. */
  readonly aborted: Error;
  readonly calledAt: number;
  claimId: string | null;
  /** Whether an answer to its claim has come. */
  answered: boolean;
  /** When its job began, or its handle came; `null`: it is not granted. */
  grantedAt: number | null;
  /** Of its grant. */
  token: bigint | null;
  abortedAt: number | null;
  /** Whether the backend held its lock when its job ended; `null`: the job has not ended. */
  heldToTheEnd: boolean | null;
  /** When it heard that its lock was released, having been granted; `null`: it did not. */
  releasedAt: number | null;
  /** It is over, the release of what it held included. */
  ended: boolean;
}
