import type { Contender } from "../contender.ts";

export const backendNames = ["memory", "redis", "postgres"] as const;
export type BackendName = (typeof backendNames)[number];

export const backendTitles: { readonly [Name in BackendName]: string } = {
  memory: "Memory",
  redis: "Redis",
  postgres: "PostgreSQL",
};

/** Who competes on a backend. Loaded only when it is its turn: some of them are slow to load. */
export async function contendersOf(backend: BackendName): Promise<readonly Contender[]> {
  switch (backend) {
    case "redis":
      return (await import("./redis.ts")).redisContenders;
    case "postgres":
      return (await import("./postgres.ts")).postgresContenders;
    case "memory":
      return (await import("./memory.ts")).memoryContenders;
  }
}
