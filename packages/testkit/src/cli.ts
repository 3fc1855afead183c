#!/usr/bin/env node
import { parseArgs } from "node:util";
import { namedModule } from "./named-module.ts";
import { chooseSeed } from "./random.ts";
import { jsonReport } from "./report/json-report.ts";
import { openLiveLine } from "./report/live-line.ts";
import { soakLine, soakReport } from "./report/soak-report.ts";
import { textReport } from "./report/text-report.ts";
import { readSoakOptions } from "./soak/options.ts";
import { soak } from "./soak/soak.ts";
import { prepareSuite, type PreparedSuite } from "./suite/prepare.ts";
import { runSuite } from "./suite/run-suite.ts";
import { schedule } from "./suite/schedule.ts";

const usage = `Usage: lock-testkit <module> [--only <areas>] [--seed <n>] [--options <json>] [--json]
       lock-testkit soak <module> [--minutes <n>] [--processes <n>] [--faults <list>] [--seed <n>] [--options <json>] [--json]

Proves that a lock provider keeps the contract of @lock: every sentence passed, failed, or skipped because of the manifest.
\`soak\` lets processes compete for as long as you say, while they are killed, stopped and cut off.

  <module>           a file or an installed package whose default export is a provider factory, a provider class, a
                     LockStore class, or a subject (see defineSubject)
  --options <json>   what a factory or class is given beside { namespace }, such as '{"redisUrl":"redis://localhost:6379"}'
  --only <areas>     some areas of the contract alone: --only release,order
  --seed <n>         repeats what an earlier run left to chance; every report says its seed
  --json             a report for programs
  --minutes <n>      how long to soak; --seconds <n> likewise (default: 1 minute)
  --processes <n>    how many processes compete (default: 4)
  --faults <list>    which of kill, stop, cut happen to them, or none (default: kill,stop; cut needs a subject with urlVariable)
  --help             this text

Exit code: 0 all is kept, 1 something is not, 2 it could not be tried.
`;

const line = openLiveLine(process.stderr);
/** What went wrong where nobody waited for it: in a timer or a listener of the provider. */
const astray = new Map<unknown, unknown>();
process.on("uncaughtException", (error) => void astray.set(error, error));
process.on("unhandledRejection", (error, promise) => void astray.set(promise, error));
process.on("rejectionHandled", (promise) => void astray.delete(promise));
// A call that is never answered keeps no process up, and an end without a verdict would look like success.
process.on("beforeExit", () => {
  console.error("lock-testkit: the provider left a call unanswered, and there is nothing left to wait for.");
  process.exit(2);
});
// The processes that were started, and may stand still, end with this one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", multiple: true },
      seed: { type: "string" },
      options: { type: "string" },
      json: { type: "boolean", default: false },
      minutes: { type: "string" },
      seconds: { type: "string" },
      processes: { type: "string" },
      faults: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return true;
  }
  const soaking = positionals[0] === "soak";
  const [name, ...more] = soaking ? positionals.slice(1) : positionals;
  if (name === undefined) throw new TypeError("name the module of the provider");
  if (more.length > 0) throw new TypeError(`one module at a time, not also "${more.join(" ")}"`);
  for (const option of soaking ? ["only"] : ["minutes", "seconds", "processes", "faults"]) {
    if (option in values) throw new TypeError(`--${option} is ${soaking ? "not for" : "for"} soak`);
  }
  if (values.options !== undefined) process.env["LOCK_TESTKIT_OPTIONS"] = readOptions(values.options);
  const seed = chooseSeed(values.seed === undefined ? undefined : Number(values.seed));
  const soakOptions = soaking ? readSoakOptions(values) : undefined;
  const only = values.only?.flatMap((areas) => areas.split(","));

  const suite = await prepareSuite(namedModule(name, process.cwd()), { seed });
  if (soakOptions === undefined) return await prove(suite, only, values.json);
  const report = await soak(suite, { ...soakOptions, onProgress: (state) => line.show(soakLine(state)) });
  line.clear();
  console.log(values.json ? JSON.stringify(report, null, 2) : soakReport(report));
  return report.violations.length === 0;
}

async function prove(
  suite: PreparedSuite,
  only: readonly string[] | undefined,
  json: boolean,
): Promise<boolean> {
  const named = only === undefined ? {} : { only };
  schedule(suite, only);
  const report = await runSuite(suite, {
    ...named,
    onProgress: ({ done, failed, total, title }) =>
      line.show(`${done} of ${total}${failed === 0 ? "" : `, ${failed} failed`}: ${title}`),
  });
  line.clear();
  console.log(json ? jsonReport(report) : textReport(report));
  return report.findings.every((one) => one.status !== "failed");
}

function readOptions(written: string): string {
  try {
    const options: unknown = JSON.parse(written);
    if (typeof options === "object" && options !== null && !Array.isArray(options)) return written;
  } catch {
    // It is told in the same words as what is JSON but no object.
  }
  throw new TypeError(`--options must be an object in JSON, not ${written}`);
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isOld = "code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION";
  return isOld
    ? `${error.message}: Node ${process.versions.node} reads no TypeScript, 22.18 does`
    : error.message;
}

/** How it ended is known; what a provider that was rejected leaves open must not keep the process up. */
function end(code: number): void {
  // A case that fails leaves calls behind that nobody waits for any more; in one that passes there are none.
  const lost = code === 0 ? [...astray.values()] : [];
  for (const error of lost) console.error("Nobody waited for this error:", error);
  const verdict = lost.length > 0 ? 1 : code;
  process.stdout.write("", () => process.exit(verdict));
}

main().then(
  (kept) => end(kept ? 0 : 1),
  (error: unknown) => {
    line.clear();
    console.error(`lock-testkit: ${reason(error)}\n\nlock-testkit --help says how it is used.`);
    end(2);
  },
);
