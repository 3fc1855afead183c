/** Keys in one call: each needs a lock in the server's table of locks, which others need too. */
export const mostKeys = 500;

interface Failed {
  readonly status: "failed";
  readonly error: unknown;
}

/**
 * Sends requests in calls of a bounded number of keys, one after the other so that they keep their order. A request with more
 * keys than that goes alone. Where one call of several fails, that is told of its requests only.
 */
export async function slices<Request extends { readonly keys: readonly string[] }, Reply>(
  requests: readonly Request[],
  send: (slice: readonly Request[]) => Promise<readonly Reply[]>,
): Promise<(Reply | Failed)[]> {
  const all: Request[][] = [];
  let keys = Infinity;
  for (const request of requests) {
    keys += request.keys.length;
    if (keys > mostKeys) {
      all.push([]);
      keys = request.keys.length;
    }
    all.at(-1)?.push(request);
  }
  const [only] = all;
  if (all.length === 1 && only !== undefined) return [...(await send(only))];

  const replies: (Reply | Failed)[] = [];
  for (const slice of all) {
    try {
      replies.push(...(await send(slice)));
    } catch (error) {
      replies.push(...slice.map((): Failed => ({ status: "failed", error })));
    }
  }
  return replies;
}
