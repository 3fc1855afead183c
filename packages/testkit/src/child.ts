// The program of a child process: it loads a subject's module and does as its parent says.
import { runCommand } from "./processes/commands.ts";
import type { ChildSettings, Report, Request } from "./processes/protocol.ts";
import { shiftClock } from "./processes/wall-clock.ts";

const settings = JSON.parse(process.argv[2] ?? "{}") as ChildSettings;

// A parent that is gone can't reap it any more.
process.on("disconnect", () => {
  if (!closing) process.exit(1);
});
let closing = false;

function send(report: Report): void {
  if (process.connected) process.send?.(report);
}

async function start(): Promise<void> {
  shiftClock(settings.clockShift);
  // Loaded only now, so that nothing of the provider has seen the true clock.
  const { connectSubject } = await import("./world/connect-subject.ts");
  const { loadSubject } = await import("./subject.ts");
  const subject = await loadSubject(settings.subject);
  const { locking, manifest } = await connectSubject(subject, settings.namespace);
  const run = runCommand(locking, manifest, settings.name, send);
  process.on("message", (message) => {
    const { call, command } = message as Request;
    void run(call, command).then((outcome) => {
      send({ report: "settled", call, outcome });
      if (command.do !== "close") return;
      closing = true;
      process.disconnect();
    });
  });
  send({ report: "ready" });
}

start().catch((error: unknown) => {
  send({
    report: "failed",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
});
