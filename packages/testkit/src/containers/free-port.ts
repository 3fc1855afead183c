import { once } from "node:events";
import { createServer } from "node:net";

// Below the ports that operating systems give to outgoing connections: a port has to be free again when its container is
// started again. Redis' cluster bus adds 10,000, which ends below 65,536.
const [first, last] = [20_000, 29_999];
const given = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** A port of this machine that nobody listens on, and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}
