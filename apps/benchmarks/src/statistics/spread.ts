/** The middle of some samples, and between which values half of them lie. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Between two samples it interpolates. `NaN` of nothing. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return Number.NaN;
  // Not by their difference where they are equal: of two infinities there is none.
  return below === above ? below : below + (above - below) * (position - Math.floor(position));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export function spread(samples: readonly number[]): Spread {
  return { median: median(samples), low: quantile(samples, 0.25), high: quantile(samples, 0.75) };
}

/** Round by round, so that what slowed a whole round down cancels out. */
export function ratios(samples: readonly number[], bases: readonly number[]): number[] {
  const rounds = Math.min(samples.length, bases.length);
  return Array.from({ length: rounds }, (_, round) => samples[round]! / bases[round]!);
}
