import { crowding, type Step } from "../sale/segments.ts";
import { tickStep } from "./layout.ts";
import { paintSegment, type Span } from "./paint-segment.ts";
import type { Canvas, Picture } from "./picture.ts";

export function paint(canvas: Canvas, picture: Picture): void {
  const { layout, segments, now } = picture;
  canvas.clearRect(0, 0, layout.width, layout.height);
  const steps = crowding(segments, now);
  if (segments.length > 0) paintAxis(canvas, picture);
  paintStrip(canvas, picture, steps);
  paintLanes(canvas, picture);
  const clashes = crowded(steps);
  // The rare ones last, so that nothing covers them.
  const order = ["waiting", "holding", "frozen", "dead"] as const;
  for (const kind of order) {
    for (const segment of segments) {
      if (segment.kind === kind) paintSegment(canvas, picture, segment, clashes);
    }
  }
}

function paintAxis(canvas: Canvas, { layout, palette }: Picture): void {
  const bottom = layout.lanes.top + layout.lanes.pitch * layout.lanes.count;
  const step = tickStep(layout.span, layout.right - layout.left);
  canvas.font = "11px system-ui, sans-serif";
  canvas.textBaseline = "top";
  for (let at = 0; at <= layout.span; at += step) {
    const x = Math.round(layout.x(at)) + 0.5;
    canvas.fillStyle = palette.line;
    canvas.fillRect(x - 0.5, layout.strip.top, 1, bottom - layout.strip.top);
    const label =
      step >= 1_000 ? `${at / 1_000} s` : step >= 100 ? `${(at / 1_000).toFixed(1)} s` : `${at} ms`;
    canvas.textAlign = at === 0 ? "left" : "center";
    if (x + canvas.measureText(label).width / 2 > layout.right) continue;
    canvas.fillStyle = palette.soft;
    canvas.fillText(at === 0 ? "0" : label, x, bottom + 5);
  }
}

/** How many were inside at once: flat with a lock, a mountain range without. */
function paintStrip(canvas: Canvas, { layout, palette, locks, now }: Picture, steps: readonly Step[]): void {
  const { top, height } = layout.strip;
  const base = top + height;
  const unit = (height - 2) / Math.max(2, layout.lanes.count);
  for (const [index, { at, inside }] of steps.entries()) {
    if (inside === 0) continue;
    // To whole pixels: two neighbours that share one would let the ground shine through.
    const from = Math.floor(layout.x(at));
    const to = Math.ceil(layout.x(steps[index + 1]?.at ?? now));
    canvas.fillStyle = inside > 1 ? palette.clash : locks ? palette.hold : palette.alone;
    canvas.fillRect(from, base - inside * unit, to - from, inside * unit);
  }
  canvas.fillStyle = palette.line;
  canvas.fillRect(layout.left, base, layout.right - layout.left, 1);
  paintLabel(canvas, { layout, palette }, layout.left < 60 ? "" : "Inside at once", top + height / 2);
}

function paintLanes(canvas: Canvas, { layout, palette }: Picture): void {
  const { height, count } = layout.lanes;
  for (let checkout = 1; checkout <= count; checkout++) {
    const y = layout.y(checkout);
    canvas.fillStyle = palette.lane;
    canvas.beginPath();
    canvas.roundRect(layout.left, y, layout.right - layout.left, height, 4);
    canvas.fill();
    paintLabel(
      canvas,
      { layout, palette },
      layout.left < 60 ? `${checkout}` : `Checkout ${checkout}`,
      y + height / 2,
    );
  }
}

function paintLabel(
  canvas: Canvas,
  { layout, palette }: Pick<Picture, "layout" | "palette">,
  text: string,
  y: number,
): void {
  canvas.font = "12.5px system-ui, sans-serif";
  canvas.textAlign = "right";
  canvas.textBaseline = "middle";
  canvas.fillStyle = palette.soft;
  canvas.fillText(text, layout.left - 10, y);
}

/** When more than one was inside. */
function crowded(steps: readonly Step[]): Span[] {
  const spans: { from: number; to: number }[] = [];
  for (const [index, { at, inside }] of steps.entries()) {
    if (inside < 2) continue;
    const to = steps[index + 1]?.at ?? at;
    const last = spans.at(-1);
    if (last && last.to === at) last.to = to;
    else spans.push({ from: at, to });
  }
  return spans;
}
