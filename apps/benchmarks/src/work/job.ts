/** What is done while a key is held. */
export type Job = () => Promise<void> | void;

/** Where a contender competes. */
export interface Where {
  readonly url: string;
  /** The most callers there will be at once, for those that need a connection for each. */
  readonly callers: number;
}
