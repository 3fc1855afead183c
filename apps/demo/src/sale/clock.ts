/** Milliseconds on the machine's monotonic clock, which all its processes share: what two of them report can be compared. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
