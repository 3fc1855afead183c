/** What one node of a cluster knows of another. */
export interface NodeView {
  readonly id: string;
  /** Unique on this machine, by which we know the node. */
  readonly port: number;
  /** What it tells clients; empty until it has said so to the node that was asked. */
  readonly hostname: string;
  /** The id of the master whose replica it is. */
  readonly masterId: string | undefined;
  readonly failed: boolean;
  /** First and last slots. */
  readonly slots: readonly (readonly [number, number])[];
}

/** Reads the reply of CLUSTER NODES. */
export function parseClusterNodes(reply: string): NodeView[] {
  return reply.split("\n").map((line) => {
    const [id = "", address = "", flags = "", master = "-", , , , , ...slots] = line.trim().split(" ");
    const [, port, hostname = ""] = /:(\d+)@\d+,?([^,]*)/.exec(address) ?? [];
    const are = flags.split(",");
    return {
      id,
      port: Number(port),
      hostname,
      masterId: are.includes("slave") ? master : undefined,
      failed: are.some((flag) => ["fail", "fail?", "handshake", "noaddr"].includes(flag)),
      // Slots on the move stand in brackets, beside those that the node still has.
      slots: slots
        .filter((range) => !range.startsWith("["))
        .map((range) => {
          const [first, last = first] = range.split("-").map(Number);
          return [first, last] as [number, number];
        }),
    };
  });
}

export function hasSlot({ slots }: NodeView, slot: number): boolean {
  return slots.some(([first, last]) => first <= slot && slot <= last);
}
