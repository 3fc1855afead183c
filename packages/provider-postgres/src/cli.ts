#!/usr/bin/env node
import { parseArgs } from "node:util";
import { migrate } from "./migrate.ts";

const usage = `Usage: lock-postgres migrate [--url <url>]

Creates the tables and functions of @lock/provider-postgres, or brings them up to date. May be run at any time and by several
at once; what is applied already is left alone.

  --url <url>   the database, such as postgres://user:password@host:5432/database
                (default: the environment variable LOCKING_DATABASE_URL)
  --help        this text
`;

function refuse(message: string): never {
  console.error(`lock-postgres: ${message}\n\n${usage}`);
  process.exit(2);
}

function readArguments(): { command: string | undefined; url: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { url: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      console.log(usage);
      process.exit(0);
    }
    if (positionals.length > 1) refuse(`one command at a time, not "${positionals.join(" ")}"`);
    return { command: positionals[0], url: values.url ?? process.env["LOCKING_DATABASE_URL"] };
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { command, url } = readArguments();
if (command === undefined) refuse("say what to do: migrate");
if (command !== "migrate") refuse(`there is no command "${command}"`);
if (url === undefined || url === "") refuse("say which database: set LOCKING_DATABASE_URL or give --url");

try {
  const { applied, known } = await migrate(url);
  for (const name of applied) console.log(`applied ${name}`);
  console.log(applied.length === 0 ? `Nothing to do: all ${known.length} migrations are applied.` : "Done.");
} catch (error) {
  console.error(`lock-postgres: ${describe(error)}`);
  process.exitCode = 1;
}

/** Node reports a refused connection to a name with several addresses as several errors without a message of their own. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}
