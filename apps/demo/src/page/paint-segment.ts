import type { Segment } from "../sale/segments.ts";
import type { Canvas, Picture } from "./picture.ts";

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** @param clashes - when more than one was inside. */
export function paintSegment(
  canvas: Canvas,
  picture: Picture,
  segment: Segment,
  clashes: readonly Span[],
): void {
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
