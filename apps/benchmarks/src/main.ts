// Measures every provider at hand under the same workloads, and prints a table.
import { createLocking } from "@lock/core";
import { backends } from "./backends.ts";
import { measure } from "./measure.ts";
import { workloads } from "./workloads.ts";

const WARM_UP = 500;
const MEASURED = 3_000;

const rows = [];
for (const backend of backends(process.env, `benchmark-${process.pid}:`)) {
  const locking = await createLocking({ providers: [await backend.open()] });
  for (const { name, callers, operation } of workloads) {
    const once = (caller: number): Promise<void> => operation(locking, caller);
    await measure(once, callers, WARM_UP);
    const { perSecond, median, p99 } = await measure(once, callers, MEASURED);
    rows.push({
      provider: backend.name,
      workload: name,
      "locks/s": Math.round(perSecond),
      "median ms": Number(median.toFixed(3)),
      "p99 ms": Number(p99.toFixed(3)),
    });
  }
  await locking.close();
}
console.table(rows);
