import { hasSlot, parseClusterNodes, type NodeView } from "./cluster-view.ts";
import type { RedisNode } from "./redis-node.ts";

/** A node, and the name by which the cluster calls it. */
export interface Member {
  readonly node: RedisNode;
  readonly id: string;
}

/** Who is what in a cluster, as its nodes say when they are asked. */
export interface ClusterMembership {
  /** In the order of their slots. */
  masters(): Promise<Member[]>;
  masterOf(slot: number): Promise<Member>;
  replicasOf(master: RedisNode): Promise<Member[]>;
  /** Whether every node that can be reached sees it so. */
  agree(seen: (all: readonly NodeView[]) => boolean): Promise<boolean>;
}

/** The masters, in the order of their slots. */
export function withSlots(all: readonly NodeView[]): NodeView[] {
  const first = ({ slots }: NodeView): number => slots[0]?.[0] ?? 0;
  return all.filter((one) => one.slots.length > 0).toSorted((a, b) => first(a) - first(b));
}

async function ask(node: RedisNode): Promise<NodeView[]> {
  return parseClusterNodes(await node.command("CLUSTER", "NODES"));
}

export function clusterMembership(nodes: readonly RedisNode[]): ClusterMembership {
  const reachable = (): RedisNode[] => nodes.filter((node) => node.reachable);
  const view = async (): Promise<NodeView[]> => {
    const [node] = reachable();
    if (node === undefined) throw new Error("No node of the cluster is running");
    return await ask(node);
  };
  const member = ({ port, id }: NodeView): Member => {
    const node = nodes.find((node) => node.port === port);
    if (node === undefined) throw new Error(`The cluster knows a node on port ${port} that isn't ours`);
    return { node, id };
  };
  return {
    masters: async () => withSlots(await view()).map(member),
    masterOf: async (slot) => {
      const owner = (await view()).find((one) => hasSlot(one, slot));
      if (owner === undefined) throw new Error(`Slot ${slot} is nobody's`);
      return member(owner);
    },
    replicasOf: async (master) => {
      const all = await view();
      const id = all.find((one) => one.port === master.port)?.id;
      return all.filter((one) => one.masterId === id).map(member);
    },
    agree: async (seen) => (await Promise.all(reachable().map(ask))).every(seen),
  };
}
