/**
 * What every connection of ours is set to, whatever the server, the database or the role has by default.
 *
 * Isolation and durability are what the functions are correct under. Time limits made for the application's statements, and for
 * its idle sessions, would cut ours. The plans are told to use the indexes always: they are kept for as long as the
 * connection lives, and one that was made while the table was small must not read all of it later.
 */
const settings: readonly (readonly [name: string, value: string])[] = [
  ["default_transaction_isolation", "read committed"],
  ["default_transaction_read_only", "off"],
  ["lock_timeout", "0"],
  ["idle_in_transaction_session_timeout", "0"],
  ["idle_session_timeout", "0"],
  ["transaction_timeout", "0"],
  ["plan_cache_mode", "force_generic_plan"],
  ["enable_seqscan", "off"],
  ["enable_bitmapscan", "off"],
  ["enable_hashjoin", "off"],
  ["enable_mergejoin", "off"],
  ["jit", "off"],
];

/** Lets the server end the session of a host that is dead or cut off within 30 s. */
export const liveness: readonly (readonly [name: string, value: string])[] = [
  ["tcp_keepalives_idle", "10"],
  ["tcp_keepalives_interval", "5"],
  ["tcp_keepalives_count", "3"],
  ["tcp_user_timeout", "25000"],
];

/** What may be set, where the server knows it. */
export const settingNames: readonly string[] = settings.map(([name]) => name);

/**
 * Begins a transaction with the same settings, which end with it: behind a pooler the server's session is others' too. `known`: what this
 * version of the server knows.
 */
export function beginStatement(statementTimeout: number, known: ReadonlySet<string>): string {
  const local = settings.filter(([name]) => known.has(name) && !name.startsWith("default_"));
  return [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    ...local.map(([name, value]) => `SET LOCAL ${name} = '${value}'`),
    `SET LOCAL statement_timeout = ${Math.ceil(statementTimeout)}`,
    `SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`,
  ].join("; ");
}

/** One statement. A setting that this version of the server does not know is left out. */
export function sessionStatement(
  statementTimeout: number,
  more: readonly (readonly [name: string, value: string])[] = [],
): string {
  const values = [...settings, ...more, ["statement_timeout", String(Math.ceil(statementTimeout))] as const];
  const list = values.map(([name, value]) => `('${name}', '${value}')`).join(", ");
  return (
    `SELECT set_config(s.name, v.value, false) FROM (VALUES ${list}) AS v(name, value) JOIN pg_settings s ON s.name = v.name` +
    // A grant that the disk has not seen could be given twice after a crash.
    ` UNION ALL SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`
  );
}
