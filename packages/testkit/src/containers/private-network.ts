import { getReaper, LABEL_TESTCONTAINERS_SESSION_ID } from "testcontainers";
import { alreadyGone, docker, unless } from "./docker.ts";
import { runLabel } from "./run-label.ts";

/** A network on which containers keep their addresses, whatever is stopped, started, cut off and connected again. */
export interface PrivateNetwork extends AsyncDisposable {
  /** An address on it that nobody has yet. */
  address(): string;
  connect(container: string, address: string): Promise<void>;
  disconnect(container: string): Promise<void>;
}

// After "bridge" in the alphabet: Docker publishes ports on a container's first network, which must not be the one that
// is disconnected.
let count = 0;
function newName(): string {
  count += 1;
  return `lock-${process.pid}-${Date.now().toString(36)}-${count}`;
}

function nth(subnet: string, n: number): string {
  const base = subnet.split("/")[0]?.split(".").map(Number) ?? [];
  const [a, b, c, d] = base;
  return [a, b, c, (d ?? 0) + n].join(".");
}

/**
 * Docker gives fixed addresses only on a subnet that was asked for by name, and only Docker knows which are free. So it is
 * let choose one, which is then asked for; if somebody else gets it in between, again.
 */
export async function createNetwork(): Promise<PrivateNetwork> {
  const client = await docker();
  const { sessionId } = await getReaper(client);
  const options = {
    Driver: "bridge",
    Labels: { ...runLabel(), [LABEL_TESTCONTAINERS_SESSION_ID]: sessionId },
  };
  const chosenSubnet = async (): Promise<string> => {
    const chosen = await client.network.create({ ...options, Name: newName() });
    const { IPAM } = (await chosen.inspect()) as { IPAM: { Config: { Subnet: string }[] } };
    await chosen.remove();
    const subnet = IPAM.Config.map((one) => one.Subnet).find((one) => one.includes("."));
    if (subnet === undefined) throw new Error("Docker's networks have no IPv4 addresses here");
    return subnet;
  };
  const create = async (attempts: number): Promise<[string, string]> => {
    const subnet = await chosenSubnet();
    try {
      const IPAM = { Config: [{ Subnet: subnet }] };
      return [(await client.network.create({ ...options, Name: newName(), IPAM })).id, subnet];
    } catch (error) {
      if (attempts <= 1) throw error;
      return await create(attempts - 1);
    }
  };
  const [id, subnet] = await create(10);
  const network = client.network.getById(id);
  // The first are the subnet itself and its gateway.
  let last = 1;
  return {
    address: () => {
      last += 1;
      return nth(subnet, last);
    },
    connect: async (container, address) => {
      await network.connect({
        Container: container,
        EndpointConfig: { IPAMConfig: { IPv4Address: address } },
      });
    },
    disconnect: async (container) => {
      await unless(alreadyGone, network.disconnect({ Container: container, Force: true }));
    },
    [Symbol.asyncDispose]: async () => {
      await unless(alreadyGone, network.remove());
    },
  };
}
