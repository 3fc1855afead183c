import type { Segment } from "../sale/segments.ts";
import type { Layout } from "./layout.ts";
import type { Palette } from "./palette.ts";

/** What there is to paint. */
export interface Picture {
  readonly layout: Layout;
  readonly palette: Palette;
  readonly segments: readonly Segment[];
  readonly locks: boolean;
  /** Milliseconds since the shop opened. */
  readonly now: number;
}

export type Canvas = CanvasRenderingContext2D;
