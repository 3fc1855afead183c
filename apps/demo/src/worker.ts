// A checkout in a process of its own. Its parent forks it, tells it what to do, and answers for the stock.
import { openLocking } from "./providers/open.ts";
import { runCheckout } from "./sale/checkout.ts";
import { DistantShop } from "./workers/distant-shop.ts";
import type { FromWorker, ToWorker } from "./workers/messages.ts";

const send = (message: FromWorker): void => void process.send?.(message);
const shop = new DistantShop(send);
const start = Promise.withResolvers<void>();

async function work({ orders, provider, url }: Extract<ToWorker, { type: "open" }>): Promise<void> {
  const locking = provider === null ? null : await openLocking(provider, url);
  send({ type: "ready" });
  await start.promise;
  await runCheckout(orders, shop, locking);
  await locking?.close();
  process.disconnect();
}

process.on("message", (message: ToWorker) => {
  switch (message.type) {
    case "open":
      work(message).catch((error: unknown) => {
        send({ type: "broken", reason: error instanceof Error ? error.message : String(error) });
        process.exitCode = 1;
        process.disconnect();
      });
      return;
    case "start":
      return start.resolve();
    case "answer":
      return shop.answered(message.id, message.value);
  }
});

// Ctrl+C reaches every process of the terminal; the server decides when a checkout closes.
process.on("SIGINT", () => {});
// A server that died can't say goodbye.
process.on("disconnect", () => setTimeout(() => process.exit(), 1_000).unref());
