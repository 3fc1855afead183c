import type { SaleEvent } from "../sale/event.ts";
import { Segments, type Segment } from "../sale/segments.ts";
import { element } from "./element.ts";
import { layout, type Layout } from "./layout.ts";
import { paint } from "./paint.ts";
import { palette } from "./palette.ts";
import { count, time } from "./wording.ts";

/** Milliseconds that the picture spans at least, so that a sale does not begin with a burst. */
const SHORTEST = 400;

/** The picture of who held the lock when. It follows the clock while a sale runs, and is still otherwise. */
export class Timeline {
  readonly #canvas = element("#timeline", HTMLCanvasElement);
  readonly #tip = element("#tip", HTMLElement);
  #segments = new Segments();
  #checkouts = 8;
  #locks = true;
  #elapsed = 0;
  /** When `#elapsed` was heard; `null`: the clock stands. */
  #heardAt: number | null = null;
  #layout: Layout = layout(600, 8, SHORTEST);
  /** Whether a frame is asked for. */
  #due = false;

  constructor() {
    new ResizeObserver(() => this.#redraw()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerdown", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => (this.#tip.hidden = true));
  }

  get segments(): readonly Segment[] {
    return this.#segments.all;
  }

  /** Begins anew. */
  clear(checkouts: number, locks: boolean): void {
    this.#segments = new Segments();
    this.#checkouts = checkouts;
    this.#locks = locks;
    this.#elapsed = 0;
    this.#heardAt = null;
    this.#tip.hidden = true;
    this.#redraw();
  }

  /** @param running - whether time goes on after `elapsed`. */
  add(events: readonly SaleEvent[], elapsed: number, running: boolean): void {
    for (const event of events) this.#segments.add(event);
    this.#elapsed = elapsed;
    this.#heardAt = running ? performance.now() : null;
    this.#redraw();
  }

  #redraw(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
      if (this.#heardAt !== null) this.#redraw();
    });
  }

  #draw(): void {
    const { clientWidth: width } = this.#canvas;
    const canvas = this.#canvas.getContext("2d");
    if (!canvas || width === 0) return;
    const now = this.#elapsed + (this.#heardAt === null ? 0 : performance.now() - this.#heardAt);
    this.#layout = layout(width, this.#checkouts, Math.max(now, SHORTEST));
    const ratio = devicePixelRatio;
    const height = this.#layout.height;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    canvas.scale(ratio, ratio);
    paint(canvas, {
      layout: this.#layout,
      palette: palette(),
      segments: this.segments,
      locks: this.#locks,
      now,
    });
    this.#describe();
  }

  #describe(): void {
    const held = this.segments.filter((segment) => segment.kind === "holding").length;
    const what = this.#locks ? "grants of the lock" : "purchases without a lock";
    const label =
      held === 0
        ? "Timeline, empty"
        : `Timeline of ${count(this.#checkouts, "checkout")}: ${held} ${what}. The table below says the same in words.`;
    if (this.#canvas.ariaLabel !== label) this.#canvas.ariaLabel = label;
  }

  #point({ offsetX, offsetY }: PointerEvent): void {
    const { lanes, left, right, span } = this.#layout;
    const checkout = Math.floor((offsetY - lanes.top) / lanes.pitch) + 1;
    const at = ((offsetX - left) / (right - left)) * span;
    const slack = (2 / (right - left)) * span;
    const under = this.segments.filter(
      (one) => one.checkout === checkout && one.from - slack <= at && at <= (one.to ?? Infinity) + slack,
    );
    const segment = under.find((one) => one.kind !== "waiting") ?? under[0];
    this.#tip.hidden = !segment;
    if (!segment) return;
    this.#tip.textContent = describe(segment, this.#locks);
    const x = Math.min(offsetX + 14, this.#layout.width - this.#tip.offsetWidth);
    this.#tip.style.translate = `${Math.max(0, x)}px ${offsetY + 18}px`;
  }
}

const words = {
  waiting: "waiting for the lock",
  holding: "holding the lock",
  frozen: "frozen",
  dead: "killed",
};

function describe({ kind, checkout, buyer, token, from, to, outcome }: Segment, locks: boolean): string {
  const what = kind === "holding" && !locks ? "buying without a lock" : words[kind];
  const lines = [
    buyer > 0 ? `Checkout ${checkout}, buyer ${buyer}` : `Checkout ${checkout}`,
    to === null ? what : `${what}, ${time(to - from)}`,
  ];
  if (token !== null) lines.push(`fencing token ${token}`);
  if (outcome !== null) lines.push(outcome === "stale" ? "stale write, refused" : outcome.replace("-", " "));
  return lines.join("\n");
}
