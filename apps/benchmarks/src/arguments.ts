import { parseArgs } from "node:util";
import { backendNames, type BackendName } from "./contenders/of-backend.ts";
import { everydayParts, parts, type Part } from "./part.ts";
import { fullPlan, quickPlan, type Plan } from "./plan.ts";

export interface Wishes {
  readonly backends: readonly BackendName[];
  readonly parts: readonly Part[];
  /** Parts of the names of the peers that are to compete; none: all. */
  readonly peers: readonly string[];
  readonly plan: Plan;
  /** Fetch Medusa's providers first. */
  readonly medusa: boolean;
  /** Write what is committed: the snapshot, the charts and the page of results. */
  readonly publish: boolean;
}

export const usage: string = `pnpm bench [${backendNames.join("] [")}] [options]
  --only ${parts.join("|")}
                   only that part; may be repeated (growth and neighbours, of PostgreSQL, run only so)
  --peer NAME     only peers with that in their name; may be repeated
  --waiters N     contended: only contests of so many waiters (8 and 64)
  --rounds N      rounds of each part (7)
  --quick         a smoke check of less than a minute; its figures are worth nothing
  --million       held locks: up to 1,000,000 instead of 100,000
  --medusa        fetch Medusa's locking providers (270 MB, once), so that they compete from then on
  --publish       write results/snapshot-*.json, and the charts and results in docs/benchmarks`;

/** @throws {Error} for what it does not understand. */
export function readArguments(args: readonly string[]): Wishes {
  const { values, positionals } = parseArgs({
    args: args.filter((argument) => argument !== "--"),
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true },
      peer: { type: "string", multiple: true },
      waiters: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      million: { type: "boolean", default: false },
      medusa: { type: "boolean", default: false },
      publish: { type: "boolean", default: false },
    },
  });
  const plan = values.quick ? quickPlan : fullPlan;
  const rounds = wholeNumber("rounds", values.rounds) ?? plan.rounds;
  const waiters = wholeNumber("waiters", values.waiters);
  const contests = plan.contests.filter((contest) => waiters === undefined || contest.waiters === waiters);
  const held = values.million ? [...plan.held, 1_000_000] : plan.held;
  return {
    backends: among(backendNames, positionals),
    parts: values.only === undefined ? everydayParts : among(parts, values.only),
    peers: values.peer ?? [],
    plan: { ...plan, rounds, contests, held },
    medusa: values.medusa,
    publish: values.publish,
  };
}

function wholeNumber(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new Error(`--${option} takes a whole number from 1 up`);
}

/** Those that were named, or all. */
function among<Name extends string>(all: readonly Name[], named: readonly string[]): readonly Name[] {
  const unknown = named.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`There is no ${unknown}: choose from ${all.join(", ")}`);
  return named.length === 0 ? all : all.filter((known) => named.includes(known));
}
