import { expect, test } from "vitest";
import { Stock } from "../src/sale/stock.ts";

test("two who read before either writes sell the same item", async () => {
  const stock = new Stock(5);
  const buy = async (buyer: number): Promise<void> => {
    const left = await stock.read();
    await stock.write({ left: left - 1, buyer, token: null });
  };
  await Promise.all([buy(1), buy(2)]);
  expect(stock.left).toBe(4);
  expect(stock.receipts).toHaveLength(2);
});

test("a write under an older token than the last is refused and changes nothing", async () => {
  const stock = new Stock(5);
  expect(await stock.write({ left: 4, buyer: 1, token: 7n })).toBe(true);
  expect(await stock.write({ left: 5, buyer: 2, token: 6n })).toBe(false);
  expect(stock.left).toBe(4);
  expect(stock.receipts).toEqual([1]);
});
