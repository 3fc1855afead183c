import type { SalePlan } from "../sale/plan.ts";
import type { Progress, Scene, Setup } from "../server/view.ts";
import { Controls } from "./controls.ts";
import { element } from "./element.ts";
import { showLegend } from "./legend.ts";
import { showOutcome } from "./outcome.ts";
import { showPast, showPurchases } from "./tables.ts";
import { Timeline } from "./timeline.ts";

const setup = (await (await fetch("/api/setup")).json()) as Setup;
const controls = new Controls(setup);
const timeline = new Timeline();
const purchases = element("#purchases", HTMLDetailsElement);
let scene: Scene = { sale: null, past: [] };

/** @returns whether the server agreed; if not, the page says why. */
async function ask(method: string, path: string, body?: unknown): Promise<boolean> {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (response.ok) return true;
    const { message, field } = (await response.json()) as { message: string; field?: string };
    controls.complain(message, field ?? null);
  } catch {
    controls.complain("The server does not answer. Is the demo still running?");
  }
  return false;
}

function run(plan: SalePlan): void {
  controls.complain(null);
  void ask("POST", "/api/sales", plan).then((agreed) => {
    // On a narrow screen it all happens below the form.
    const outcome = element(".outcome", HTMLElement);
    if (agreed && outcome.getBoundingClientRect().top > innerHeight / 2)
      outcome.scrollIntoView({ block: "start" });
  });
}

controls.onRun(run);
controls.onStop(() => void ask("DELETE", "/api/sales/current"));
controls.onMishap((mishap) => void ask("POST", `/api/sales/current/${mishap}`), run);
purchases.addEventListener("toggle", () => showDetails());

function label(provider: SalePlan["provider"]): string {
  return setup.providers.find(({ id }) => id === provider)?.label ?? provider;
}

function isRunning({ status }: Progress): boolean {
  return status === "opening" || status === "selling";
}

function showDetails(): void {
  if (purchases.open) showPurchases(timeline.segments);
}

function show(sale: NonNullable<Scene["sale"]>, news: Progress): void {
  timeline.add(news.events, news.elapsed, news.status === "selling");
  showOutcome(sale);
  showLegend(sale.plan.locks, label(sale.plan.provider), timeline.segments);
  controls.running = isRunning(sale);
}

const live = new EventSource("/api/live");
live.addEventListener("scene", ({ data }: MessageEvent<string>) => {
  scene = JSON.parse(data) as Scene;
  const { sale, past } = scene;
  showPast(past, setup.providers);
  if (sale === null) {
    controls.running = false;
    return showLegend(true, "", []);
  }
  timeline.clear(sale.plan.checkouts, sale.plan.locks);
  show(sale, sale);
  showDetails();
});
live.addEventListener("progress", ({ data }: MessageEvent<string>) => {
  if (!scene.sale) return;
  const news = JSON.parse(data) as Progress;
  const sale = { ...scene.sale, ...news, events: [...scene.sale.events, ...news.events] };
  scene = { ...scene, sale };
  show(sale, news);
});
live.addEventListener("error", () => {
  timeline.add([], scene.sale?.elapsed ?? 0, false);
  controls.complain("The connection to the demo is gone; it comes back by itself when the demo does.");
});
live.addEventListener("open", () => controls.complain(null));
