import type { Segment } from "../sale/segments.ts";
import { element } from "./element.ts";

interface Entry {
  readonly kind: string;
  readonly color: string;
  readonly text: string;
}

const withLocks: readonly Entry[] = [
  { kind: "holding", color: "hold", text: "holds the lock, with its fencing token" },
  { kind: "look", color: "look", text: "holds it to find all sold" },
  { kind: "waiting", color: "wait", text: "waits" },
];
const withoutLocks: readonly Entry[] = [
  { kind: "alone", color: "alone", text: "buying, alone" },
  { kind: "clash", color: "clash", text: "several at once" },
];
const dead: Entry = { kind: "dead", color: "dead", text: "killed, its lock not yet passed on" };
const frozen: Entry = { kind: "frozen", color: "frozen", text: "frozen" };
const stale: Entry = { kind: "clash", color: "clash", text: "woke up without the lock, stale write refused" };

/** What there is to see, and what the colours mean; of the rare ones, those that occur. */
export function showLegend(locks: boolean, provider: string, segments: readonly Segment[]): void {
  const occurs = (kind: Segment["kind"]): boolean => segments.some((segment) => segment.kind === kind);
  const entries = [...(locks ? withLocks : withoutLocks)];
  if (locks && occurs("dead")) entries.push(dead);
  if (occurs("frozen")) entries.push(frozen);
  if (segments.some((segment) => segment.outcome === "stale")) entries.push(stale);
  element("#picture-title", HTMLElement).textContent = locks
    ? `Who held the lock when${provider && `: ${provider}`}`
    : "Who was inside when, without a lock";
  const list = element("#legend", HTMLElement);
  if (list.children.length === entries.length && list.dataset["locks"] === String(locks)) return;
  list.dataset["locks"] = String(locks);
  list.replaceChildren(
    ...entries.map(({ kind, color, text }) => {
      const item = document.createElement("li");
      item.dataset["kind"] = kind;
      item.style.setProperty("--swatch", `var(--${color})`);
      item.textContent = text;
      return item;
    }),
  );
}
