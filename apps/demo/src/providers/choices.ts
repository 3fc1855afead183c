export type ProviderId = "in-memory" | "redis" | "postgres";

/** A provider as the page offers it. */
export interface ProviderChoice {
  readonly id: ProviderId;
  readonly label: string;
  /** Whether several processes can share its locks, so that each checkout is one. */
  readonly processes: boolean;
  /** The variable to set for it; `null`: none is needed. */
  readonly variable: string | null;
  readonly available: boolean;
}

const variables = {
  "in-memory": null,
  redis: "LOCKING_REDIS_URL",
  postgres: "LOCKING_DATABASE_URL",
} as const;
const labels = { "in-memory": "In memory", redis: "Redis", postgres: "PostgreSQL" } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The URL that is set for a provider; `null` where none is needed or set. */
export function urlOf(id: ProviderId, environment: Environment): string | null {
  const variable = variables[id];
  return (variable && environment[variable]) || null;
}

export function providerChoices(environment: Environment): ProviderChoice[] {
  return (["in-memory", "redis", "postgres"] as const).map((id) => ({
    id,
    label: labels[id],
    processes: id !== "in-memory",
    variable: variables[id],
    available: variables[id] === null || urlOf(id, environment) !== null,
  }));
}
