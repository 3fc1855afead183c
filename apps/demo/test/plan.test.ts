import { describe, expect, test } from "vitest";
import { providerChoices } from "../src/providers/choices.ts";
import { PlanError, readPlan } from "../src/sale/plan.ts";

const choices = providerChoices({ LOCKING_REDIS_URL: "redis://localhost" });
const plan = { stock: 5, buyers: 9, checkouts: 3, charge: 10, locks: true, provider: "redis", mishap: null };

function complaint(body: unknown): { field: string | null; message: string } {
  try {
    readPlan(body, choices);
  } catch (error) {
    if (error instanceof PlanError) return { field: error.field, message: error.message };
  }
  throw new Error("The plan was accepted.");
}

describe("a plan", () => {
  test("that can be carried out is taken as it is", () => {
    expect(readPlan(plan, choices)).toEqual(plan);
    expect(readPlan({ ...plan, mishap: "kill" }, choices).mishap).toBe("kill");
  });

  test.each([
    ["stock", 0, "Stock must be a whole number from 1 to 500."],
    ["buyers", 501, "Buyers must be a whole number from 1 to 500."],
    ["buyers", null, "Buyers must be a whole number from 1 to 500."],
    ["checkouts", 2.5, "Checkouts must be a whole number from 2 to 12."],
    ["charge", "50", "Charging a card must be a whole number from 1 to 500 ms."],
    ["locks", "on", "Locks are on (true) or off (false)."],
    ["provider", "etcd", 'The provider must be one of "in-memory", "redis", "postgres".'],
    ["mishap", "flood", 'What can befall the holder is "kill" or "freeze".'],
  ])("with %s %j is refused, saying what to change", (field, value, message) => {
    expect(complaint({ ...plan, [field]: value })).toEqual({ field, message });
  });

  test("for a provider that isn't set up says what to set", () => {
    const { message } = complaint({ ...plan, provider: "postgres" });
    expect(message).toBe("For PostgreSQL, set LOCKING_DATABASE_URL and start the demo again.");
  });

  test("to kill the only process says why not", () => {
    const { message } = complaint({ ...plan, provider: "in-memory", mishap: "kill" });
    expect(message).toContain("killing the holder would kill the shop");
  });

  test.each([null, [], "sale", 3])("that is %j is refused", (body) => {
    expect(complaint(body).field).toBeNull();
  });
});
