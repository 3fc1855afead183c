import type { ProviderCapabilities } from "@lock/core";
import type { Subject } from "../subject.ts";
import type { ConformanceCase, Need, Requirements } from "./conformance-case.ts";

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

/** What a subject may name beside its provider. */
export type Offers = Pick<Partial<Subject>, "store" | "urlVariable" | "entries">;

/**
 * What of the suite applies to a provider. Nothing but the manifest decides, except that what is asked of a store can't
 * be asked of a class, and that faults need to know where the backend listens.
 */
export function applicableCases(
  cases: readonly ConformanceCase[],
  manifest: ProviderCapabilities,
  offers: Offers = {},
): { readonly applicable: readonly ApplicableCase[]; readonly excluded: readonly ExcludedCase[] } {
  const applicable: ApplicableCase[] = [];
  const excluded: ExcludedCase[] = [];
  for (const one of cases) {
    const title = `${one.area}: ${one.name}`;
    const because = unmet(one.needs, offers) ?? mismatch(one.requires ?? {}, manifest);
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

function unmet(need: Need | undefined, offers: Offers): string | undefined {
  if (need === "store" && offers.store === undefined) return "the subject names no store";
  if (need === "proxy" && offers.urlVariable === undefined) return "the subject names no urlVariable";
  if (need === "entries" && offers.entries === undefined) return "the subject counts no entries";
  return undefined;
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
