import type { Member } from "./cluster-membership.ts";
import type { RedisNode } from "./redis-node.ts";

/**
 * Moves a slot as resharding does, while clients go on: until the last key is over, they are told to ask the new owner for
 * keys that the old one no longer has. `others` are the other masters, which are told last.
 */
export async function moveSlot(
  slot: number,
  from: Member,
  to: Member,
  others: readonly RedisNode[],
): Promise<void> {
  const set = async (node: RedisNode, ...state: string[]): Promise<void> => {
    await node.command("CLUSTER", "SETSLOT", String(slot), ...state);
  };
  await set(to.node, "IMPORTING", from.id);
  await set(from.node, "MIGRATING", to.id);
  for (;;) {
    // As JSON: a key may contain what would look like the end of it.
    const reply = await from.node.command("-3", "--json", "CLUSTER", "GETKEYSINSLOT", String(slot), "100");
    const keys = JSON.parse(reply) as string[];
    if (keys.length === 0) break;
    const target = [to.node.address, String(to.node.port), "", "0", "5000"];
    await from.node.command("MIGRATE", ...target, "KEYS", ...keys);
  }
  // The new owner first: the other way round the slot would be nobody's for a moment.
  for (const node of [to.node, from.node, ...others]) await set(node, "NODE", to.id);
}
