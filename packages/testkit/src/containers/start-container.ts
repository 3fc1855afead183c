import { GenericContainer, StartupCheckStrategy, type StartupStatus } from "testcontainers";
import type { Container } from "./container.ts";
import { alreadyGone, alreadyRunning, docker, dockerHost, lastOutput, notRunning, unless } from "./docker.ts";
import { freePort } from "./free-port.ts";
import { answers, type Greeting } from "./greeting.ts";
import type { PrivateNetwork } from "./private-network.ts";
import { runLabel } from "./run-label.ts";
import { until } from "./until.ts";

/** How to start a server, once it is known on which port of this machine it will be reached. */
export interface ContainerPlan {
  readonly image: string;
  readonly command: readonly string[];
  /** Where it listens inside. */
  readonly port: number;
  readonly greeting: Greeting;
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  /** Content by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** A second network; the default one carries the published port. */
  readonly network?: { readonly on: PrivateNetwork; readonly address: string };
}

/** Whether it serves is asked from outside, where its clients are, at first and after every later start. */
class Started extends StartupCheckStrategy {
  override async checkStartupState(): Promise<StartupStatus> {
    return "SUCCESS";
  }
}

class PlannedContainer extends GenericContainer {
  id: string | undefined;
  readonly #network: ContainerPlan["network"];

  constructor(plan: ContainerPlan, host: number) {
    super(plan.image);
    this.#network = plan.network;
    this.withLabels(runLabel())
      // A port that Docker chose would be another one after every start.
      .withExposedPorts({ container: plan.port, host })
      .withCommand([...plan.command])
      .withWaitStrategy(new Started());
    const files = Object.entries(plan.files ?? {});
    if (files.length > 0) {
      this.withCopyContentToContainer(files.map(([target, content]) => ({ target, content, mode: 0o644 })));
    }
    if (plan.entrypoint) this.withEntrypoint([...plan.entrypoint]);
    if (plan.environment) this.withEnvironment(plan.environment);
    if (plan.user) this.withUser(plan.user);
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.id = id;
    await this.#network?.on.connect(id, this.#network.address);
  }
}

async function created(plan: (port: number) => ContainerPlan): Promise<[id: string, port: number]> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const container = new PlannedContainer(plan(port), port);
    try {
      return [(await container.start()).getId(), port];
    } catch (error) {
      if (container.id !== undefined) await remove(container.id);
      // Another process was quicker to take the port.
      const taken = /already (allocated|in use)/.test(String(error));
      if (!taken || attempt === 5) throw error;
    }
  }
}

async function remove(id: string): Promise<void> {
  await unless(alreadyGone, (await docker()).container.getById(id).remove({ force: true, v: true }));
}

/** Starts a container as planned; resolves when it serves on its port of this machine. */
export async function startContainer(plan: (port: number) => ContainerPlan): Promise<Container> {
  const [client, host] = [await docker(), await dockerHost()];
  const [id, port] = await created(plan);
  const { greeting, image } = plan(port);
  const handle = client.container.getById(id);
  let state: Container["state"] = "running";

  const serves = async (): Promise<void> => {
    const outcome = await until(`${image} serves on ${host}:${port}`, async () => {
      if (await answers(host, port, greeting)) return "serves";
      return (await handle.inspect()).State.Running ? false : "ended";
    }).catch((error: unknown) => String(error));
    if (outcome === "serves") return;
    throw new Error(`Could not start ${image} (${outcome}). It wrote:\n${await lastOutput(handle)}`);
  };
  const close = async (): Promise<void> => {
    state = "stopped";
    await remove(id);
  };
  try {
    await serves();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    id,
    image,
    host,
    port,
    get state() {
      return state;
    },
    stop: async () => {
      await unless(notRunning, handle.kill());
      await handle.wait();
      state = "stopped";
    },
    start: async () => {
      await unless(alreadyRunning, handle.start());
      await serves();
      state = "running";
    },
    pause: async () => {
      await handle.pause();
      state = "paused";
    },
    unpause: async () => {
      await handle.unpause();
      state = "running";
    },
    exec: async (...command) => {
      const { exitCode, output, stdout } = await client.container.exec(handle, command);
      if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${output.trim()}`);
      return stdout;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
