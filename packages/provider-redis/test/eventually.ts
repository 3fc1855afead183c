import { expect } from "vitest";

/** `expect.poll`, with the patience that a busy machine needs: by itself it gives up after a second. */
export function eventually<T>(ask: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(ask, { timeout: 15_000 });
}
