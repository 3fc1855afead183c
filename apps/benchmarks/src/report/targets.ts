import type { BackendName } from "../contenders/of-backend.ts";
import { median } from "../statistics/spread.ts";
import { figure, figureOf } from "./figure.ts";
import type { Sheet } from "./sheet.ts";
import type { Table } from "./table.ts";
import { exclusion, flatness } from "./targets/flatness.ts";
import { memoryTargets } from "./targets/memory.ts";
import { postgresTargets } from "./targets/postgres.ts";
import { redisTargets } from "./targets/redis.ts";
import type { Target } from "./targets/target.ts";

const targets: { readonly [Name in BackendName]: readonly Target[] } = {
  memory: [...memoryTargets, ...flatness("memory"), exclusion("memory")],
  redis: [...redisTargets, ...flatness("redis"), exclusion("redis")],
  postgres: [...postgresTargets, ...flatness("postgres"), exclusion("postgres")],
};

/** "met", or by how much it is missed. */
export function verdict(at: "least" | "most", bound: number, measured: number): string {
  if (Number.isNaN(measured)) return "not measured";
  const short = at === "least" ? bound - measured : measured - bound;
  if (short <= 0) return "met";
  return bound === 0 ? `missed by ${figure(short)}` : `missed by ${figure((short / bound) * 100)} %`;
}

/** What we want beside what was measured; what was not measured is left out. */
export function targetTable(sheet: Sheet, backend: BackendName): Table {
  const rows = targets[backend].flatMap(({ what, at, bound, samples }) => {
    const measured = samples(sheet).filter((sample) => !Number.isNaN(sample));
    if (measured.length === 0) return [];
    const wanted = `${at === "least" ? "≥" : "≤"} ${figure(bound)}`;
    return [[what, wanted, figureOf("ratio", measured), verdict(at, bound, median(measured))]];
  });
  return rows.length === 0 ? [] : [["", "target", "measured", "verdict"], ...rows];
}
