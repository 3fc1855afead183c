import type { BackendName } from "../../contenders/of-backend.ts";
import { median, ratios } from "../../statistics/spread.ts";
import type { At, Target } from "./target.ts";

/** What still counts as flat: the noise of a median of rounds that lie minutes apart. */
const FLAT = 1.15;

const ours = "@lock";

/** In what the plain client took in the same round, so that the machine's mood cancels out. */
function cost(backend: BackendName, held: string, metric: string): At {
  return (sheet) => {
    const heading = { backend, part: "held", variant: `${held} held` } as const;
    return ratios(sheet.samples(heading, ours, metric), sheet.samples(heading, ours, "raw take + give, µs"));
  };
}

/** That a lock costs the same beside many others as beside none. */
export function flatness(backend: BackendName): Target[] {
  return ["100,000", "1,000,000"].flatMap((held) =>
    ["acquire", "renew", "release", "releaseAll"].map((what) => ({
      what: `${what === "releaseAll" ? "releaseAll of 10" : what} with ${held} held, of that with 1 held`,
      at: "most" as const,
      bound: FLAT,
      samples: (sheet) => {
        const base = median(cost(backend, "1", `${what}, µs`)(sheet));
        return cost(backend, held, `${what}, µs`)(sheet).map((sample) => sample / base);
      },
    })),
  );
}

/** That nobody was ever let in beside another. */
export function exclusion(backend: BackendName): Target {
  return {
    what: "violations of exclusion, in all rounds",
    at: "most",
    bound: 0,
    samples: (sheet) => {
      const counted = sheet.measurements.filter(
        (one) => one.backend === backend && one.standing === "ours" && one.metric === "violations",
      );
      if (counted.length === 0) return [];
      return [counted.flatMap(({ samples }) => samples).reduce((sum, sample) => sum + sample, 0)];
    },
  };
}
