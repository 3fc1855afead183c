import type { Scene } from "../server/view.ts";
import { chronicle } from "./chronicle.ts";
import { element } from "./element.ts";
import { verdict } from "./verdict.ts";
import { time } from "./wording.ts";

type Shown = NonNullable<Scene["sale"]>;

/** The numbers and the words for them. */
export function showOutcome(sale: Shown): void {
  const { tally, plan, status, events } = sale;
  for (const name of ["sold", "left", "oversold", "refused"] as const) number(name, String(tally[name]));
  number("median", tally.median === null ? "–" : time(tally.median));
  number("p95", tally.p95 === null ? "–" : time(tally.p95));
  element("#oversold-box", HTMLElement).dataset["tone"] =
    tally.oversold > 0 ? "bad" : status === "done" ? "good" : "idle";

  const { tone, headline, detail } = verdict(plan, sale);
  element("#verdict-box", HTMLElement).dataset["tone"] = tone;
  write("#verdict", headline);
  write("#verdict-detail", detail);

  const list = element("#chronicle", HTMLElement);
  const incidents = chronicle(events);
  // Only what is new, so that a screen reader does not begin from the top each time.
  if (incidents.length < list.children.length) list.replaceChildren();
  for (const { at, text } of incidents.slice(list.children.length)) {
    const item = document.createElement("li");
    const when = document.createElement("time");
    when.textContent = `${(at / 1000).toFixed(2)} s`;
    const what = document.createElement("span");
    what.textContent = text;
    item.append(when, what);
    list.append(item);
  }
}

function number(name: string, text: string): void {
  const [figure = "", unit] = text.split(" ");
  const place = element(`#${name}`, HTMLElement);
  if (place.textContent === figure + (unit ?? "")) return;
  place.textContent = figure;
  if (unit === undefined) return;
  const small = document.createElement("small");
  small.textContent = unit;
  place.append(small);
}

/** Written only when it is different: the verdict is read out when it changes. */
function write(selector: string, text: string): void {
  const place = element(selector, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}
