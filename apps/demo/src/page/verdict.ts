import type { Progress } from "../server/view.ts";
import type { SalePlan } from "../sale/plan.ts";
import { count } from "./wording.ts";

export interface Verdict {
  readonly tone: "idle" | "good" | "bad";
  readonly headline: string;
  readonly detail: string;
}

/** What the sale comes to, in words. */
export function verdict(
  plan: SalePlan,
  { status, tally, problem }: Pick<Progress, "status" | "tally" | "problem">,
): Verdict {
  const { sold, left, oversold, mostInside, stale, abandoned } = tally;
  const checkouts = count(plan.checkouts, "checkout");
  const inside = `Up to ${mostInside} checkouts were inside at once.`;
  if (status === "opening") {
    const detail = plan.provider === "in-memory" ? "All in one process." : "Each is a process of its own.";
    return { tone: "idle", headline: `Opening ${checkouts}…`, detail };
  }
  if (status === "failed")
    return { tone: "bad", headline: "The sale could not take place", detail: problem ?? "" };
  if (oversold > 0) {
    const detail = `${count(sold, "receipt")} for ${count(plan.stock, "item")}, and the stock says ${left} left. ${inside}`;
    return { tone: "bad", headline: `Oversold by ${oversold}`, detail };
  }
  if (status === "selling") {
    return {
      tone: "idle",
      headline: "Selling…",
      detail: `${checkouts}, ${plan.locks ? "one lock" : "no lock"}.`,
    };
  }
  if (sold + left !== plan.stock) {
    const detail = `${count(sold, "item")} of ${plan.stock} went, yet the stock says ${left} left. ${inside}`;
    return { tone: "bad", headline: "The stock is wrong", detail };
  }
  const unserved = `${count(tally.unserved, "buyer")} got no lock`;
  if (sold === 0 && tally.unserved > 0) {
    return { tone: "bad", headline: "No locks to be had", detail: `${unserved}, so nothing was sold.` };
  }
  const facts = [`${sold} of ${plan.stock} sold, ${left} left`];
  if (stale > 0)
    facts.push(`${count(stale, "stale write")} refused by ${stale === 1 ? "its" : "their"} fencing token`);
  if (tally.unserved > 0) facts.push(unserved);
  if (abandoned > 0) facts.push(`${count(abandoned, "buyer")} lost with the checkout that was killed`);
  else if (mostInside === 1) facts.push("never more than one checkout inside");
  const early = status === "stopped" ? "Stopped early, nothing oversold" : "Nothing oversold";
  return { tone: "good", headline: early, detail: `${facts.join("; ")}.` };
}
