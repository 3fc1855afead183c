import { createAdaptorServer } from "@hono/node-server";
import { createApp } from "./app.ts";
import { Stage } from "./stage.ts";

const DEFAULT_PORT = 4321;
/** How many ports are tried before giving up. */
const TRIES = 20;

export interface DemoServer {
  /** Where to open the page. */
  readonly address: string;
  /** Ends the running sale, its processes and every connection. */
  close(): Promise<void>;
}

/** Listens on this machine only. If the port is taken, the next free one is. */
export async function startServer(environment: NodeJS.ProcessEnv): Promise<DemoServer> {
  const stage = new Stage();
  const server = createAdaptorServer({ fetch: createApp(stage, environment).fetch });
  const first = readPort(environment["PORT"]);
  const port = await listen(server, first, first === 0 ? 1 : TRIES);
  return {
    address: `http://localhost:${port}`,
    async close() {
      await stage.stop();
      await new Promise((resolve) => {
        server.close(resolve);
        // The page's event stream would keep it open for ever.
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    },
  };
}

function readPort(value: string | undefined): number {
  if (value === undefined || value === "") return DEFAULT_PORT;
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT must be a number from 0 to 65535, not "${value}".`);
}

async function listen(
  server: ReturnType<typeof createAdaptorServer>,
  first: number,
  tries: number,
): Promise<number> {
  for (let port = first; port < first + tries && port <= 65_535; port++) {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once("error", resolve);
      server.listen(port, "127.0.0.1", () => {
        server.removeListener("error", resolve);
        resolve(null);
      });
    });
    const address = server.address();
    if (error === null && typeof address === "object" && address) return address.port;
    if (error && error.code !== "EADDRINUSE") throw error;
  }
  throw new Error(`No free port from ${first} to ${first + tries - 1}: set PORT to another.`);
}
