/** What all of these resolve with; if one rejects, the others are disposed of once they are there. */
export async function together<T extends AsyncDisposable>(starting: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(starting);
  const started = settled.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  const failed = settled.find((one) => one.status === "rejected");
  if (failed === undefined) return started;
  await Promise.allSettled(started.map(async (one) => one[Symbol.asyncDispose]()));
  throw failed.reason;
}
