import { existsSync } from "node:fs";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startServer, type DemoServer } from "../src/server/listen.ts";
import { redisUrl } from "./servers.ts";

const executablePath = process.env["LOCK_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Milliseconds in which the browser has to draw its first page. */
const COLD_START = 60_000;
/** Milliseconds after which a step in the browser fails, and is named. */
const STEP = 15_000;

let server: DemoServer;
let browser: Browser;
let page: Page;
const mistakes: string[] = [];
/** Requests of this test's page that were not answered: what the page shows then is not the reason. */
const failures: string[] = [];

beforeAll(async () => {
  if (!existsSync(executablePath)) {
    throw new Error(
      `The demo is tested in Chromium, and there is none at ${executablePath}: install it, or set LOCK_TEST_CHROMIUM to its path.`,
    );
  }
  server = await startServer({ PORT: "0", LOCKING_REDIS_URL: redisUrl });
  browser = await chromium.launch({ executablePath, args });
  // The first page of a browser takes by far the longest where its files have never been read; nothing of it is tested.
  const first = await browser.newPage();
  await first.goto(server.address);
  await first.screenshot();
  await first.close();
}, COLD_START);
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

// Each test has a page of its own, so that what one of them left undone happens in no other's.
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(STEP);
  page.on("pageerror", (error) => mistakes.push(error.message));
  // Chromium gives up every request under way when an address of the machine changes (ERR_NETWORK_CHANGED), as it
  // does whenever a container's network comes or goes. So this process asks for it; the live stream connects again.
  await page.route(
    ({ pathname }) => pathname !== "/api/live",
    async (route) => route.fulfill({ response: await route.fetch() }),
  );
  failures.length = 0;
  page.on("requestfailed", (request) => failures.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    if (!/^(data:|http:\/\/localhost:)/.test(request.url())) mistakes.push(`It asks for ${request.url()}.`);
  });
});
afterEach(async () => {
  await fetch(`${server.address}/api/sales/current`, { method: "DELETE" });
  await page.close();
});

async function open(): Promise<void> {
  await page.goto(server.address);
  await page.getByText("within one process").waitFor();
  await page.getByLabel("Charge, ms").fill("20");
}

/** Runs a sale to its end, when it becomes one of the past. */
async function runBy(name: string): Promise<void> {
  const past = page.locator("#past tr");
  const button = page.getByRole("button", { name, exact: true });
  // It can be pressed once the page knows what there is, the past included.
  await button.click({ trial: true });
  const before = await past.count();
  await button.click();
  await past
    .nth(before)
    .or(page.getByRole("alert").filter({ visible: true }))
    .first()
    .waitFor();
  const alerts = await page.getByRole("alert").filter({ visible: true }).allTextContents();
  expect({ alerts, failures: alerts.length > 0 ? failures : [] }).toEqual({ alerts: [], failures: [] });
}

async function figure(name: string): Promise<number> {
  return Number(await page.locator(`#${name}`).textContent());
}

/** How many of the picture's pixels have the colour of a custom property of the style sheet. */
function pixels(color: string): Promise<number> {
  return page.locator("#timeline").evaluate((canvas, color) => {
    if (!(canvas instanceof HTMLCanvasElement)) return 0;
    const context = canvas.getContext("2d");
    if (!context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${color}`).trim();
    const wanted = [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16));
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (wanted.every((value, channel) => data[at + channel] === value)) count++;
    }
    return count;
  }, color);
}

test("without locks the page shows that it oversold, and the overlaps in red", async () => {
  await open();
  await page.getByRole("radio", { name: "Without", exact: true }).check();
  await runBy("Run");
  expect(await figure("oversold")).toBeGreaterThan(0);
  expect(await page.locator("#verdict").textContent()).toBe(`Oversold by ${await figure("oversold")}`);
  expect(await pixels("clash")).toBeGreaterThan(1_000);
});

test("with locks nothing is oversold, and the picture shows who held and who waited", async () => {
  await open();
  await runBy("Run");
  expect(await figure("sold")).toBe(30);
  expect(await figure("left")).toBe(0);
  expect(await figure("oversold")).toBe(0);
  expect(await figure("refused")).toBe(50);
  expect(await page.locator("#verdict").textContent()).toBe("Nothing oversold");
  expect(await pixels("hold")).toBeGreaterThan(1_000);
  expect(await pixels("wait")).toBeGreaterThan(1_000);
  expect(await pixels("clash")).toBe(0);
  await page.getByText("Every purchase as a table").click();
  await expect.poll(() => page.locator("#purchases tbody tr").count()).toBe(80);
});

test("the sale goes on when the holder is killed, and the page tells what happened", async () => {
  await open();
  await page.getByRole("radio", { name: "Redis" }).check();
  await runBy("Run, kill the holder");
  expect(await page.locator("#chronicle").textContent()).toMatch(
    /Checkout \d+ was killed holding the lock, token \d+\..*passed on by itself/,
  );
  expect(await figure("oversold")).toBe(0);
  expect(await pixels("clash")).toBeGreaterThan(0);
});

test("says what can't be chosen, and why nobody can be killed", async () => {
  await open();
  expect(await page.getByText("set LOCKING_DATABASE_URL").isVisible()).toBe(true);
  expect(await page.getByRole("radio", { name: /PostgreSQL/ }).isDisabled()).toBe(true);
  expect(await page.getByRole("button", { name: /kill the holder/ }).isDisabled()).toBe(true);
  expect(await page.locator("#mishap-note").textContent()).toContain("live in one process");
});

test("shows what is wrong with a plan, at the field", async () => {
  await open();
  await page.getByLabel("Stock").fill("0");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "Stock must be a whole number from 1 to 500." }).waitFor();
  expect(await page.getByLabel("Stock").getAttribute("aria-invalid")).toBe("true");
});

test("fits a phone", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  await open();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
});

test("makes no mistakes, and asks for nothing from elsewhere", () => {
  expect(mistakes).toEqual([]);
});
