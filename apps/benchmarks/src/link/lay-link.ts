import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LinkOrder } from "./link.ts";

const worker = fileURLToPath(new URL("../worker.ts", import.meta.url));

export interface LaidLink {
  /** The URL that leads through it. */
  readonly url: string;
  close(): void;
}

/** A link to the server of that URL, with a delay of so many milliseconds each way. */
export async function layLink(url: string, delay: number): Promise<LaidLink> {
  const through = new URL(url);
  const child = fork(worker, ["link"]);
  const order: LinkOrder = { host: through.hostname, port: Number(through.port), delay };
  child.send(order);
  const [port] = (await once(child, "message")) as [number];
  through.hostname = "127.0.0.1";
  through.port = String(port);
  return { url: through.href, close: () => void child.kill("SIGKILL") };
}
