import { describe, expect, test } from "vitest";
import type { SalePlan } from "../src/sale/plan.ts";
import { Sale } from "../src/sale/sale.ts";
import { postgresUrl, redisUrl } from "./servers.ts";

const plan: SalePlan = {
  stock: 12,
  buyers: 40,
  checkouts: 5,
  charge: 10,
  locks: true,
  provider: "in-memory",
  mishap: null,
};
const redis = { ...plan, provider: "redis" } as const;
const postgres = { ...plan, provider: "postgres" } as const;
const shared = [
  ["Redis", redis, redisUrl],
  ["PostgreSQL", postgres, postgresUrl],
] as const;
const all = [["memory", plan, null], ...shared] as const;

async function sell(plan: SalePlan, url: string | null): Promise<Sale> {
  const sale = new Sale(plan, url);
  await sale.ended;
  expect(sale.problem).toBeNull();
  return sale;
}

function tokens(sale: Sale): bigint[] {
  return sale.events
    .filter((event) => event.kind === "holding")
    .toSorted((a, b) => a.at - b.at)
    .map((event) => BigInt(event.token ?? 0));
}

describe.each(all)("a sale on %s", (_, plan, url) => {
  test("with locks sells every item once, one purchase at a time, and turns the rest away", async () => {
    const sale = await sell(plan, url);
    expect(sale.tally).toMatchObject({ sold: 12, left: 0, oversold: 0, refused: 28, mostInside: 1 });
  });

  test("with locks gives each grant a greater token than the one before", async () => {
    const granted = tokens(await sell(plan, url));
    expect(granted).toHaveLength(40);
    expect(granted.every((token, index) => index === 0 || token > (granted[index - 1] ?? 0n))).toBe(true);
  });

  test("without locks sells items that aren't there", async () => {
    const { tally } = await sell({ ...plan, locks: false }, url);
    expect(tally.oversold).toBeGreaterThan(0);
    expect(tally.mostInside).toBeGreaterThan(1);
  });

  test("can be stopped", async () => {
    const sale = new Sale({ ...plan, charge: 500 }, url);
    await sale.stop();
    expect(sale.status).toBe("stopped");
  });
});

describe.each(shared)("a sale by several processes on %s", (_, plan, url) => {
  test("whose holder is killed goes on and oversells nothing", async () => {
    const sale = await sell({ ...plan, mishap: "kill" }, url);
    expect(sale.events.filter((event) => event.kind === "died")).toHaveLength(1);
    expect(sale.tally).toMatchObject({ sold: 12, left: 0, oversold: 0, abandoned: 1, mostInside: 1 });
  });

  test("whose holder is frozen past its lease oversells nothing, since a stale write is refused", async () => {
    const sale = await sell({ ...plan, stock: 30, buyers: 60, mishap: "freeze" }, url);
    const at = (kind: "frozen" | "thawed"): number =>
      sale.events.find((event) => event.kind === kind)?.at ?? Number.NaN;
    const passedOn = sale.events.some(
      (event) => event.kind === "holding" && event.at > at("frozen") && event.at < at("thawed"),
    );
    // Where the lock passed on in the meantime, fencing is what kept the stock right.
    expect(sale.tally).toMatchObject({ sold: 30, left: 0, oversold: 0, stale: passedOn ? 1 : 0 });
  });

  test("keeps one checkout alive, however often its holder is killed", async () => {
    const sale = new Sale({ ...plan, checkouts: 2, mishap: "kill" }, url);
    const seen: (string | null)[] = [];
    const killing = setInterval(() => {
      if (sale.events.some((event) => event.kind === "died")) seen.push(sale.strike("kill"));
    }, 10);
    await sale.ended;
    clearInterval(killing);
    expect(seen[0]).toBe("Only one checkout is left: let it live.");
    expect(sale.tally).toMatchObject({ sold: 12, left: 0, oversold: 0 });
  });
});

test("nobody can be killed where all share one process, and the reason is given", async () => {
  const sale = new Sale({ ...plan, charge: 100 }, null);
  expect(sale.strike("kill")).toBe("No sale is running.");
  await expect.poll(() => sale.status).toBe("selling");
  expect(sale.strike("kill")).toContain("one process");
  await sale.stop();
});

test("a sale whose locks can't be reached says so and leaves no process behind", async () => {
  const sale = new Sale(redis, "redis://127.0.0.1:1");
  await sale.ended;
  expect(sale.status).toBe("failed");
  expect(sale.problem).toMatch(/redis/i);
}, 30_000);
