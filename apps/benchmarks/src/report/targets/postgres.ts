import { manyAtATime, oneAtATime } from "../../scenarios/uncontended.ts";
import { best, contest, of, per, type At, type Target } from "./target.ts";

const job = "@lock execute";
const owned = "@lock acquire + release";
const advisory = "raw session advisory lock + unlock";
const blocking = "raw blocking advisory lock";
const rows = "raw upsert + delete";
const one = { backend: "postgres", part: "uncontended", variant: oneAtATime } as const;
const many = { ...one, variant: manyAtATime };
const renewing = { backend: "postgres", part: "renewing", variant: "10,000 locks of jobs" } as const;

function speed(heading: typeof one | typeof many, contender: string): At {
  return of(heading, contender, "ops/s");
}

const contended = [8, 64].flatMap((waiters): Target[] => {
  const here = contest("postgres", { waiters });
  const gap = of(here, job, "gap, ms");
  return [
    {
      what: `gap of execute, of a raw blocking lock's, ${waiters} waiters`,
      at: "most",
      bound: 1,
      samples: per(gap, of(here, blocking, "gap, ms")),
    },
    {
      what: `gap of execute, of Medusa's, ${waiters} waiters`,
      at: "most",
      bound: 1,
      samples: per(gap, best(here, "gap, ms", "least", "Medusa")),
    },
    {
      what: `statements per grant, ${waiters} waiters`,
      at: "most",
      bound: 2.1,
      samples: of(here, job, "requests per grant"),
    },
  ];
});

const connections = (waiters: number): At => of(contest("postgres", { waiters }), job, "connections");

export const postgresTargets: readonly Target[] = [
  {
    what: "execute, of a raw session advisory lock, one at a time",
    at: "least",
    bound: 0.8,
    samples: per(speed(one, job), speed(one, advisory)),
  },
  {
    what: "execute, of the best peer, one at a time",
    at: "least",
    bound: 2.5,
    samples: per(speed(one, job), best(one, "ops/s", "greatest")),
  },
  {
    what: "owned rows, of raw upsert + delete, one at a time",
    at: "least",
    bound: 0.95,
    samples: per(speed(one, owned), speed(one, rows)),
  },
  {
    what: "owned rows, of raw upsert + delete, 64 at a time",
    at: "least",
    bound: 4,
    samples: per(speed(many, owned), speed(many, rows)),
  },
  {
    what: "owned rows, of Verrou, 64 at a time",
    at: "least",
    bound: 7,
    samples: per(speed(many, owned), best(many, "ops/s", "greatest", "Verrou")),
  },
  {
    what: "owned rows, of Medusa, 64 at a time",
    at: "least",
    bound: 6,
    samples: per(speed(many, owned), best(many, "ops/s", "greatest", "Medusa")),
  },
  ...contended,
  {
    what: "connections at 64 waiters, of those at 8",
    at: "most",
    bound: 1,
    samples: per(connections(64), connections(8)),
  },
  {
    what: "% of a core to renew 10,000 locks",
    at: "most",
    bound: 1,
    samples: of(renewing, "@lock", "% of a core"),
  },
];
