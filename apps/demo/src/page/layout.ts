/** Where things are in the picture, in CSS pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Where time begins. */
  readonly left: number;
  readonly right: number;
  readonly strip: { readonly top: number; readonly height: number };
  readonly lanes: {
    readonly top: number;
    readonly pitch: number;
    readonly height: number;
    readonly count: number;
  };
  /** Milliseconds at the right edge. */
  readonly span: number;
  x(at: number): number;
  /** The top of a checkout's lane. */
  y(checkout: number): number;
}

const AXIS = 24;
const STRIP = { top: 2, height: 44 };

export function layout(width: number, checkouts: number, span: number): Layout {
  const left = width < 520 ? 26 : 108;
  const right = width - 2;
  const pitch = checkouts > 8 ? 26 : 31;
  const lanes = { top: STRIP.top + STRIP.height + 18, pitch, height: pitch - 7, count: checkouts };
  return {
    width,
    height: lanes.top + pitch * checkouts + AXIS,
    left,
    right,
    strip: STRIP,
    lanes,
    span,
    x: (at) => left + (at / span) * (right - left),
    y: (checkout) => lanes.top + (checkout - 1) * pitch,
  };
}

/** Milliseconds between two ticks of the axis: as many as fit, at round times. */
export function tickStep(span: number, width: number): number {
  const steps = [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];
  return steps.find((step) => (step / span) * width >= 64) ?? 200_000;
}
