import type { ProviderChoice, ProviderId } from "../providers/choices.ts";

/** What befalls the checkout that holds the lock. */
export type Mishap = "kill" | "freeze";

/** What to sell, to how many, and how. */
export interface SalePlan {
  readonly stock: number;
  readonly buyers: number;
  /** How many buy at once: processes, or with in-memory locks loops in one process. */
  readonly checkouts: number;
  /** Milliseconds that charging a card takes. */
  readonly charge: number;
  readonly locks: boolean;
  readonly provider: ProviderId;
  /** To happen by itself once a third is sold. */
  readonly mishap: Mishap | null;
}

export type NumberField = "stock" | "buyers" | "checkouts" | "charge";

export interface Range {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly initial: number;
}

export const RANGES: Readonly<Record<NumberField, Range>> = {
  stock: { label: "Stock", min: 1, max: 500, initial: 30 },
  buyers: { label: "Buyers", min: 1, max: 500, initial: 80 },
  checkouts: { label: "Checkouts", min: 2, max: 12, initial: 8 },
  charge: { label: "Charging a card", min: 1, max: 500, initial: 50 },
};

/** A plan that can't be carried out; the message is for the person who made it. */
export class PlanError extends Error {
  override readonly name = "PlanError";
  readonly field: keyof SalePlan | null;

  constructor(field: keyof SalePlan | null, message: string) {
    super(message);
    this.field = field;
  }
}

/** @throws {PlanError} saying what to change. */
export function readPlan(body: unknown, choices: readonly ProviderChoice[]): SalePlan {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new PlanError(null, "Send the plan of the sale as a JSON object.");
  }
  const wish = body as Readonly<Record<string, unknown>>;
  const numbers = {
    stock: readNumber("stock", wish["stock"]),
    buyers: readNumber("buyers", wish["buyers"]),
    checkouts: readNumber("checkouts", wish["checkouts"]),
    charge: readNumber("charge", wish["charge"]),
  };
  const locks = wish["locks"];
  if (typeof locks !== "boolean") throw new PlanError("locks", "Locks are on (true) or off (false).");
  const choice = readChoice(wish["provider"], choices);
  const mishap = wish["mishap"] ?? null;
  if (mishap !== null && mishap !== "kill" && mishap !== "freeze") {
    throw new PlanError("mishap", 'What can befall the holder is "kill" or "freeze".');
  }
  if (mishap !== null && !choice.processes) throw new PlanError("mishap", ONE_PROCESS);
  return { ...numbers, locks, provider: choice.id, mishap };
}

export const ONE_PROCESS =
  "In-memory locks live in one process, this server: killing the holder would kill the shop. Choose Redis or PostgreSQL.";

function readNumber(field: NumberField, value: unknown): number {
  const { label, min, max } = RANGES[field];
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  const unit = field === "charge" ? " ms" : "";
  throw new PlanError(field, `${label} must be a whole number from ${min} to ${max}${unit}.`);
}

function readChoice(id: unknown, choices: readonly ProviderChoice[]): ProviderChoice {
  const choice = choices.find((one) => one.id === id);
  if (!choice) {
    const known = choices.map((one) => `"${one.id}"`).join(", ");
    throw new PlanError("provider", `The provider must be one of ${known}.`);
  }
  if (choice.available) return choice;
  throw new PlanError("provider", `For ${choice.label}, set ${choice.variable} and start the demo again.`);
}
