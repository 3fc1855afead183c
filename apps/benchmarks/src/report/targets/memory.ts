import { oneAtATime } from "../../scenarios/uncontended.ts";
import { beyond, of, per, type Target } from "./target.ts";

const job = "@lock execute";
const peer = "async-lock";
const one = { backend: "memory", part: "uncontended", variant: oneAtATime } as const;
const queue = { backend: "memory", part: "queue", variant: "10,000 deep" } as const;
const bytes = { backend: "memory", part: "bytes", variant: "20,000 of each" } as const;

export const memoryTargets: readonly Target[] = [
  {
    what: "of async-lock, one at a time",
    at: "least",
    bound: 1,
    samples: per(of(one, job, "ops/s"), of(one, peer, "ops/s")),
  },
  {
    what: "of async-lock's speed in a queue 10,000 deep",
    at: "least",
    bound: 1,
    samples: per(of(queue, peer, "µs each"), of(queue, job, "µs each")),
  },
  {
    what: "bytes per held lock",
    at: "most",
    bound: 160,
    samples: of(bytes, "@lock acquire + release", "bytes per held lock"),
  },
  {
    what: "bytes per waiter, beyond a raw one's promises",
    at: "most",
    bound: 250,
    samples: beyond(
      of(bytes, job, "bytes per waiter"),
      of(bytes, "raw promises in a Map", "bytes per waiter"),
    ),
  },
];
