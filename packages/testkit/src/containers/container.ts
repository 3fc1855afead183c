/** A server in a container, and what can happen to it. Its address stays the same for as long as it exists. */
export interface Container extends AsyncDisposable {
  /** Docker's, for what is not offered here. */
  readonly id: string;
  readonly image: string;
  /** Where it is reached from this machine. */
  readonly host: string;
  readonly port: number;
  readonly state: "running" | "paused" | "stopped";
  /** Kills it at once, as a power cut does (SIGKILL); nothing is said to its clients but the end of their connections. */
  stop(): Promise<void>;
  /** Starts it again, with the data that it had on its disk; resolves when it serves. */
  start(): Promise<void>;
  /** Freezes it: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
  /** Runs a command in it and resolves with what it wrote; rejects with that if its exit code is not 0. */
  exec(...command: string[]): Promise<string>;
  /** Removes it. Also `await using`. */
  close(): Promise<void>;
}
