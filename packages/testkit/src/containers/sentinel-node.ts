import type { PrivateNetwork } from "./private-network.ts";
import { startRedisNode, type RedisNode } from "./redis-node.ts";

// It writes what it learns into its configuration, which must therefore be its own, and stay when it is started again.
const script = `
[ -f /tmp/sentinel.conf ] || printf '%s\\n' "$@" >/tmp/sentinel.conf
exec redis-sentinel /tmp/sentinel.conf`;

/** Starts a sentinel with these lines of configuration. */
export async function startSentinelNode(
  network: PrivateNetwork,
  image: string,
  lines: readonly string[],
): Promise<RedisNode> {
  return await startRedisNode(network, (port) => ({
    image,
    entrypoint: ["sh", "-c", script, "sentinel"],
    command: [`port ${port}`, "protected-mode no", "dir /tmp", ...lines],
  }));
}
