import type { ProviderChoice } from "../providers/choices.ts";
import type { Segment } from "../sale/segments.ts";
import type { PastSale } from "../server/view.ts";
import { element } from "./element.ts";
import { time } from "./wording.ts";

/** The sales that are over, the latest first. */
export function showPast(past: readonly PastSale[], providers: readonly ProviderChoice[]): void {
  element("#past-empty", HTMLElement).hidden = past.length > 0;
  element("#past-scroll", HTMLElement).hidden = past.length === 0;
  const rows = past.map(({ plan, tally, status }) => {
    const mishaps = [
      tally.killed > 0 ? `, ${tally.killed} killed` : "",
      tally.frozen > 0 ? `, ${tally.frozen} frozen` : "",
    ];
    return row([
      plan.locks ? "with" : "without",
      `${providers.find(({ id }) => id === plan.provider)?.label ?? plan.provider}${mishaps.join("")}`,
      `${tally.sold} of ${plan.stock}${status === "stopped" ? ", stopped" : ""}`,
      String(tally.left),
      { text: String(tally.oversold), tone: tally.oversold > 0 ? "bad" : "good" },
      tally.median === null ? "–" : time(tally.median),
      tally.p95 === null ? "–" : time(tally.p95),
    ]);
  });
  element("#past", HTMLElement).replaceChildren(...rows);
}

const outcomes = {
  sold: "sold",
  "sold-out": "sold out",
  stale: "stale write, refused",
  failed: "no lock",
} as const;

/** The picture in words, for who can't see it or wants the numbers. */
export function showPurchases(segments: readonly Segment[]): void {
  const rows = segments
    .filter((segment) => segment.kind !== "waiting" && segment.buyer > 0)
    .toSorted((a, b) => a.from - b.from)
    .map((segment) => {
      const waited = segments.find((one) => one.kind === "waiting" && one.buyer === segment.buyer);
      const what = segment.outcome && outcomes[segment.outcome];
      return row([
        String(segment.buyer),
        String(segment.checkout),
        `${(segment.from / 1000).toFixed(3)} s`,
        waited?.to ? time(waited.to - waited.from) : "–",
        segment.to === null ? "–" : time(segment.to - segment.from),
        segment.token ?? "–",
        segment.kind === "dead" ? "killed" : segment.kind === "frozen" ? "frozen" : (what ?? "interrupted"),
      ]);
    });
  element("#purchases tbody", HTMLElement).replaceChildren(...rows);
}

type Cell = string | { readonly text: string; readonly tone: string };

function row(cells: readonly Cell[]): HTMLTableRowElement {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const place = line.insertCell();
    place.textContent = typeof cell === "string" ? cell : cell.text;
    if (typeof cell !== "string") place.className = cell.tone;
  }
  return line;
}
