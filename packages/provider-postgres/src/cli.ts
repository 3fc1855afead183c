#!/usr/bin/env node
import { parseArgs } from "node:util";
import { migrate, migrationStatus } from "./migrate.ts";
import type { Names } from "./names.ts";

const usage = `Usage: lock-postgres migrate [--url <url>] [--schema <name>] [--table <name>]
       lock-postgres status [--url <url>] [--schema <name>] [--table <name>] [--json]

migrate   creates the tables and functions of @lock/provider-postgres, or brings them up to date. May be run at any time and by
          several at once; what is applied already is left alone.
status    says which migrations are applied and which are pending. Changes nothing.

  --url <url>      the database, such as postgres://user:password@host:5432/database
                   (default: the environment variable LOCKING_DATABASE_URL)
  --schema <name>  the schema to use; migrate creates it where it is missing (default: the first of the search path)
  --table <name>   what the names of tables and functions begin with (default: locking)
  --json           the status for programs: { "applied": [{ "name", "appliedAt" }], "pending": [name], "newer": [name] }
  --help           this text

Exits with 0 when all went well, and with status: when all is applied. With 1 when the database refuses or can't be reached, or was
migrated by a different edit of these migrations; with 2 when it was called wrongly; with 3 when migrations are pending.
`;

const commands = ["migrate", "status"] as const;
type Command = (typeof commands)[number];

interface Call {
  readonly command: Command;
  readonly url: string;
  readonly names: Names;
  readonly json: boolean;
}

function refuse(message: string): never {
  console.error(`lock-postgres: ${message}\n\n${usage}`);
  process.exit(2);
}

function readArguments(): Call {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        url: { type: "string" },
        schema: { type: "string" },
        table: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    if (positionals.length > 1) refuse(`one command at a time, not "${positionals.join(" ")}"`);
    const [wanted] = positionals;
    if (wanted === undefined) refuse(`say what to do: ${commands.join(" or ")}`);
    const command = commands.find((each) => each === wanted);
    if (command === undefined) refuse(`there is no command "${wanted}"`);
    const { schema, table, json } = values;
    if (json && command !== "status") refuse("--json goes with status");
    const url = values.url ?? process.env["LOCKING_DATABASE_URL"];
    if (url === undefined || url === "") refuse("say which database: set LOCKING_DATABASE_URL or give --url");
    return { command, url, names: { schema, table }, json };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

async function runMigrate({ url, names }: Call): Promise<void> {
  const { applied, known } = await migrate(url, names);
  for (const name of applied) console.log(`applied ${name}`);
  console.log(applied.length === 0 ? `Nothing to do: all ${known.length} migrations are applied.` : "Done.");
}

async function runStatus({ url, names, json }: Call): Promise<void> {
  const status = await migrationStatus(url, names);
  if (status.pending.length > 0) process.exitCode = 3;
  if (json) {
    console.log(JSON.stringify(status, undefined, 2));
    return;
  }
  const newer = new Set(status.newer);
  for (const { name, appliedAt } of status.applied) {
    const by = newer.has(name) ? ", by a newer version of @lock/provider-postgres" : "";
    console.log(`applied ${name} (${appliedAt.toISOString()}${by})`);
  }
  for (const name of status.pending) console.log(`pending ${name}`);
  console.log(
    status.pending.length === 0
      ? "All migrations are applied."
      : `${status.pending.length} to apply: run \`lock-postgres migrate\`.`,
  );
}

const call = readArguments();
try {
  await (call.command === "migrate" ? runMigrate(call) : runStatus(call));
} catch (error) {
  console.error(`lock-postgres: ${describe(error)}`);
  process.exitCode = 1;
}

/** Node reports a refused connection to a name with several addresses as several errors without a message of their own. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
