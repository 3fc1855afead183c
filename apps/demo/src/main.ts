import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "./server/listen.ts";

try {
  const server = await startServer(process.env);
  console.log(`\n  The flash sale is open at ${server.address}\n\n  Ctrl+C closes it.\n`);

  let closing = false;
  const close = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    // The workers of a sale that is only just opening end by themselves when this process does.
    await Promise.race([server.close(), pause(3_000)]);
    process.exit(0);
  };
  process.on("SIGINT", () => void close());
  process.on("SIGTERM", () => void close());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
