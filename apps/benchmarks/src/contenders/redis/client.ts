import { Redis } from "ioredis";

/** A client that is connected: the same ioredis for all, set up as it is by default. */
export async function connectedClient(url: string): Promise<Redis> {
  const client = new Redis(url, { lazyConnect: true });
  // Without a listener a client that is cut while the benchmark ends would end the process.
  client.on("error", () => {});
  await client.connect();
  return client;
}
