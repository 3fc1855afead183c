import { crowding, type Segment, type Step } from "../sale/segments.ts";
import { tickStep, type Layout } from "./layout.ts";
import type { Palette } from "./palette.ts";

export interface Picture {
  readonly layout: Layout;
  readonly palette: Palette;
  readonly segments: readonly Segment[];
  readonly locks: boolean;
  /** Milliseconds since the shop opened. */
  readonly now: number;
}

type Canvas = CanvasRenderingContext2D;

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
    for (const segment of segments)
      if (segment.kind === kind) paintSegment(canvas, picture, segment, clashes);
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

function paintSegment(canvas: Canvas, picture: Picture, segment: Segment, clashes: readonly Span[]): void {
  const { layout, palette, now } = picture;
  const y = layout.y(segment.checkout);
  const { height } = layout.lanes;
  const end = segment.to ?? (segment.kind === "dead" ? absenceEnd(picture, segment) : now);
  const from = layout.x(segment.from);
  const width = Math.max(layout.x(end) - from, segment.kind === "waiting" ? 0 : 1);
  switch (segment.kind) {
    case "waiting":
      canvas.fillStyle = palette.wait;
      canvas.fillRect(from, y + height / 2 - 3, width, 6);
      return;
    case "holding":
      canvas.fillStyle = holdingColor(picture, segment);
      box(canvas, from, y, width, height);
      canvas.fillStyle = palette.clash;
      for (const clash of clashes) {
        const start = Math.max(clash.from, segment.from);
        const stop = Math.min(clash.to, end);
        if (stop > start)
          box(canvas, layout.x(start), y, Math.max(layout.x(stop) - layout.x(start), 1), height);
      }
      paintToken(canvas, picture, segment.token, from, y, width);
      if (segment.outcome === "stale") cross(canvas, picture, from + width, y + height / 2);
      return;
    case "frozen":
      hatch(canvas, palette.frozen, from, y, width, height);
      return;
    case "dead":
      hatch(canvas, palette.dead, from, y, width, height);
      cross(canvas, picture, from, y + height / 2);
  }
}

function holdingColor({ palette, locks }: Picture, { outcome }: Segment): string {
  if (!locks) return palette.alone;
  if (outcome === "stale") return palette.clash;
  return outcome === "sold-out" ? palette.look : palette.hold;
}

/** Until the lock of a dead checkout passed on; a dead one without a lock leaves only its cross. */
function absenceEnd({ segments, now }: Picture, dead: Segment): number {
  if (dead.token === null) return dead.from;
  const next = segments.filter((one) => one.kind === "holding" && one.from > dead.from);
  return Math.min(now, ...next.map((one) => one.from));
}

/** Across the bar, or along it where it is narrow; a bar too small for either keeps its token for the tip and the table. */
function paintToken(
  canvas: Canvas,
  picture: Picture,
  token: string | null,
  x: number,
  y: number,
  width: number,
): void {
  if (token === null) return;
  const { layout, palette } = picture;
  canvas.font = `600 10px ${palette.mono}`;
  const length = canvas.measureText(token).width;
  const upright = length + 5 > width;
  if (upright && (width < 10 || length + 1 > layout.lanes.height)) return;
  canvas.save();
  canvas.translate(x + width / 2, y + layout.lanes.height / 2);
  if (upright) canvas.rotate(-Math.PI / 2);
  canvas.textAlign = "center";
  canvas.textBaseline = "middle";
  canvas.fillStyle = palette["hold-ink"];
  canvas.fillText(token, 0, 0.5);
  canvas.restore();
}

function box(canvas: Canvas, x: number, y: number, width: number, height: number): void {
  canvas.beginPath();
  canvas.roundRect(x, y, width, height, Math.min(3, width / 3));
  canvas.fill();
}

function hatch(canvas: Canvas, color: string, x: number, y: number, width: number, height: number): void {
  canvas.save();
  canvas.beginPath();
  canvas.roundRect(x, y, width, height, Math.min(3, width / 3));
  canvas.clip();
  canvas.strokeStyle = color;
  canvas.lineWidth = 1.5;
  canvas.beginPath();
  for (let offset = -height; offset < width; offset += 6) {
    canvas.moveTo(x + offset, y + height);
    canvas.lineTo(x + offset + height, y);
  }
  canvas.stroke();
  canvas.restore();
}

function cross(canvas: Canvas, { palette }: Picture, x: number, y: number): void {
  canvas.lineCap = "round";
  for (const [color, width] of [
    [palette.panel, 7],
    [palette.clash, 3],
  ] as const) {
    canvas.strokeStyle = color;
    canvas.lineWidth = width;
    canvas.beginPath();
    canvas.moveTo(x - 6, y - 6);
    canvas.lineTo(x + 6, y + 6);
    canvas.moveTo(x + 6, y - 6);
    canvas.lineTo(x - 6, y + 6);
    canvas.stroke();
  }
}

interface Span {
  readonly from: number;
  to: number;
}

/** When more than one was inside. */
function crowded(steps: readonly Step[]): Span[] {
  const spans: Span[] = [];
  for (const [index, { at, inside }] of steps.entries()) {
    if (inside < 2) continue;
    const to = steps[index + 1]?.at ?? at;
    const last = spans.at(-1);
    if (last && last.to === at) last.to = to;
    else spans.push({ from: at, to });
  }
  return spans;
}
