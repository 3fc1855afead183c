import type { Call } from "./schedule.ts";

/** A call in the words of a story. Times are in milliseconds. */
export function describeCall(call: Call): string {
  switch (call.does) {
    case "release":
      return `release [${call.keys.join(", ")}] of ${call.ownerId ?? "nobody"}`;
    case "releaseAll":
      return `releaseAll ${call.ownerId === null ? "of everything" : `of ${call.ownerId}`}`;
    case "close":
      return `close, with ${call.drain} ms to drain`;
    case "execute":
    case "acquire": {
      const parts = [`${call.does} [${call.keys.join(", ")}]`];
      if (call.does === "acquire") {
        if (call.ownerId !== null) parts.push(`for ${call.ownerId}`);
        if (!call.awaitQueue) parts.push("without waiting");
        if (call.leaves) parts.push("left to its expiry");
      }
      if (call.limit !== 1) parts.push(`limit ${call.limit}`);
      if (call.expire !== undefined) parts.push(`expire ${call.expire}`);
      parts.push(`timeout ${call.timeout}`, `held for ${call.lasts}`);
      if (call.abortsAfter !== null) parts.push(`aborted after ${call.abortsAfter}`);
      if (call.extend !== null) parts.push(`extended to ${call.extend.expire} after ${call.extend.after}`);
      if (call.does === "execute" && call.throws) parts.push("the job fails");
      return parts.join(", ");
    }
  }
}
