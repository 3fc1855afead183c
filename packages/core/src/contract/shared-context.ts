/** What a call shares with the work around it. Members other than those named here are ignored. */
export interface SharedContext {
  /**
   * A transaction of the backend (for PostgreSQL a `pg` client inside a transaction, or a drizzle transaction). The lock
   * then lives exactly as long as that transaction. `LOCK_UNSUPPORTED` where the manifest does not say `transactions`.
   */
  readonly transactionManager?: unknown;
  readonly [member: string]: unknown;
}
