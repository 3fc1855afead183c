/** What a call came to, as a value: a rejection that nobody awaits yet is no unhandled one. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

export function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  return call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
