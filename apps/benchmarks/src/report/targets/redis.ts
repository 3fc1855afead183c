import { manyAtATime, oneAtATime } from "../../scenarios/uncontended.ts";
import { best, contest, of, per, type At, type Target } from "./target.ts";

const ours = "@lock";
const strict = "@lock, handoff: false";
const raw = "raw SET NX PX + EVALSHA";
const one = { backend: "redis", part: "uncontended", variant: oneAtATime } as const;
const many = { ...one, variant: manyAtATime };
const renewing = { backend: "redis", part: "renewing", variant: "10,000 locks of jobs" } as const;
const emptyJob = contest("redis", { waiters: 64, hold: 0 });

function speed(heading: typeof one | typeof many, contender: string): At {
  return of(heading, contender, "ops/s");
}

const contended = [8, 64].flatMap((waiters): Target[] => {
  const here = contest("redis", { waiters });
  const four = contest("redis", { waiters, processes: 4 });
  const far = contest("redis", { waiters, link: true });
  return [
    {
      what: `gap over a link, ${waiters} waiters`,
      at: "most",
      bound: 1.3,
      samples: of(far, ours, "gap, round trips"),
    },
    {
      what: `gap on loopback, ${waiters} waiters`,
      at: "most",
      bound: 1.5,
      samples: of(here, ours, "gap, round trips"),
    },
    {
      what: `gap across four processes, ${waiters} waiters`,
      at: "most",
      bound: 2.5,
      samples: of(four, ours, "gap, round trips"),
    },
    {
      what: `commands per grant, ${waiters} waiters`,
      at: "most",
      bound: 2.1,
      samples: of(here, ours, "requests per grant"),
    },
    {
      what: `longest ÷ median wait, ${waiters} waiters`,
      at: "most",
      bound: 2,
      samples: of(here, ours, "longest ÷ median wait"),
    },
  ];
});

export const redisTargets: readonly Target[] = [
  {
    what: "commands for a lock (take, release)",
    at: "most",
    bound: 2,
    samples: of(one, ours, "requests per lock"),
  },
  {
    what: "of raw, one at a time",
    at: "least",
    bound: 0.95,
    samples: per(speed(one, ours), speed(one, raw)),
  },
  {
    what: "of the best peer, one at a time",
    at: "least",
    bound: 1,
    samples: per(speed(one, ours), best(one, "ops/s", "greatest")),
  },
  {
    what: "of raw, 64 at a time",
    at: "least",
    bound: 1.4,
    samples: per(speed(many, ours), speed(many, raw)),
  },
  ...contended,
  {
    what: "grants of the best peer, 64 waiters in one process, empty job",
    at: "least",
    bound: 20,
    samples: per(of(emptyJob, ours, "grants/s"), best(emptyJob, "grants/s", "greatest")),
  },
  {
    what: "grants of handoff: false, 64 waiters in one process, empty job",
    at: "least",
    bound: 20,
    samples: per(of(emptyJob, ours, "grants/s"), of(emptyJob, strict, "grants/s")),
  },
  {
    what: "% of a core to renew 10,000 locks",
    at: "most",
    bound: 1,
    samples: of(renewing, ours, "% of a core"),
  },
];
