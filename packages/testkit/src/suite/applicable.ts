import type { ProviderCapabilities } from "@lock/core";
import type { ConformanceCase, Requirements } from "./conformance-case.ts";

/** Whether both parties of a case are in one service, or in two with a provider instance each. */
export type Placement = "one service" | "two services";

/** A case as it is to be run for one provider. */
export interface ApplicableCase {
  readonly case: ConformanceCase;
  readonly placement: Placement;
  /** `area: sentence`, with the placement where the case runs in both. Unique within the suite. */
  readonly title: string;
}

/** A case that the manifest rules out, and by which of its declarations. */
export interface ExcludedCase {
  readonly case: ConformanceCase;
  readonly title: string;
  /** Such as `fifo is false, not true`. */
  readonly because: string;
}

/**
 * What of the suite applies to a provider. Nothing but the manifest decides, except that what is asked of a store can't
 * be asked of a class.
 */
export function applicableCases(
  cases: readonly ConformanceCase[],
  manifest: ProviderCapabilities,
  isStore = false,
): { readonly applicable: readonly ApplicableCase[]; readonly excluded: readonly ExcludedCase[] } {
  const applicable: ApplicableCase[] = [];
  const excluded: ExcludedCase[] = [];
  for (const one of cases) {
    const title = `${one.area}: ${one.name}`;
    const noStore = one.needs === "store" && !isStore ? "the subject names no store" : undefined;
    const because = noStore ?? mismatch(one.requires ?? {}, manifest);
    if (because !== undefined) {
      excluded.push({ case: one, title, because });
      continue;
    }
    applicable.push({ case: one, placement: "one service", title });
    if (one.rival === undefined) continue;
    const between = { case: one, title: `${title} [two services]` };
    if (manifest.scope === "shared") applicable.push({ ...between, placement: "two services" });
    else excluded.push({ ...between, because: `scope is "process", not "shared"` });
  }
  return { applicable, excluded };
}

function mismatch(requires: Requirements, manifest: ProviderCapabilities): string | undefined {
  for (const [name, wanted] of Object.entries(requires)) {
    const declared = manifest[name as keyof ProviderCapabilities];
    const values: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    if (values.includes(declared)) continue;
    return `${name} is ${JSON.stringify(declared)}, not ${values.map((value) => JSON.stringify(value)).join(" or ")}`;
  }
  return undefined;
}
