import type { PrivateNetwork } from "./private-network.ts";
import { startRedisServer, type RedisServer } from "./redis.ts";
import type { ContainerPlan } from "./start-container.ts";

/** One of several Redis servers, or sentinels, that know each other. */
export interface RedisNode extends RedisServer {
  /** Where the other nodes reach it. */
  readonly address: string;
  /** Whether it is running and connected to the others. */
  readonly reachable: boolean;
  /** Cuts it off from the other nodes, while its clients still reach it: the side of a partition that doesn't know. */
  disconnect(): Promise<void>;
  connect(): Promise<void>;
}

export async function startRedisNode(
  network: PrivateNetwork,
  plan: (port: number, address: string) => Pick<ContainerPlan, "image" | "command" | "entrypoint">,
): Promise<RedisNode> {
  const address = network.address();
  const server = await startRedisServer((port) => ({
    ...plan(port, address),
    network: { on: network, address },
  }));
  let connected = true;
  const node = Object.assign(server, {
    address,
    reachable: true,
    disconnect: async (): Promise<void> => {
      await network.disconnect(server.id);
      connected = false;
    },
    connect: async (): Promise<void> => {
      await network.connect(server.id, address);
      connected = true;
    },
  });
  return Object.defineProperty(node, "reachable", { get: () => connected && server.state === "running" });
}
