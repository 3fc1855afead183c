import { expect } from "vitest";

// Vitest's own are typed `any`.

/** Within half a second of so many milliseconds. */
export function about(milliseconds: number): unknown {
  return expect.closeTo(milliseconds, -3);
}

export function containing(text: string): unknown {
  return expect.stringContaining(text);
}

export function some(type: unknown): unknown {
  return expect.any(type);
}
