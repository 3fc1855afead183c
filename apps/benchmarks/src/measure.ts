export interface Measurement {
  readonly perSecond: number;
  /** Milliseconds from asking to having given back: the median and the slowest in a hundred. */
  readonly median: number;
  readonly p99: number;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Lets `callers` repeat the operation side by side for that many milliseconds. */
export async function measure(
  operation: (caller: number) => Promise<void>,
  callers: number,
  milliseconds: number,
): Promise<Measurement> {
  const took: number[] = [];
  const begin = performance.now();
  const repeat = async (caller: number): Promise<void> => {
    while (performance.now() - begin < milliseconds) {
      const asked = performance.now();
      await operation(caller);
      took.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => repeat(caller)));
  const elapsed = performance.now() - begin;
  took.sort((a, b) => a - b);
  return {
    perSecond: (took.length / elapsed) * 1000,
    median: quantile(took, 0.5),
    p99: quantile(took, 0.99),
  };
}
