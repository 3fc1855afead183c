import { getContainerRuntimeClient, type ContainerRuntimeClient } from "testcontainers";

export type DockerContainer = ReturnType<ContainerRuntimeClient["container"]["getById"]>;

/** Docker, or what stands in for it, where testcontainers finds it. */
export async function docker(): Promise<ContainerRuntimeClient> {
  return await getContainerRuntimeClient();
}

/** Where its published ports are reached. The number: a name may mean an IPv6 address, on which nothing is published. */
export async function dockerHost(): Promise<string> {
  const { host } = (await docker()).info.containerRuntime;
  return host === "localhost" ? "127.0.0.1" : host;
}

/** What Docker answers when there is nothing left to do. */
export const alreadyRunning = 304;
export const alreadyGone = 404;
export const notRunning = 409;

/** Takes that answer for success: a server may also end by itself, and be removed with what it belongs to. */
export async function unless(answer: number, doing: Promise<unknown>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== answer) throw error;
  }
}

/** What a container last wrote, as text. */
export async function lastOutput(container: DockerContainer): Promise<string> {
  const frames = await container.logs({ stdout: true, stderr: true, tail: 20 });
  // Each piece has a head of 8 bytes, the last four of which are its length.
  let text = "";
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    text += frames.toString("utf8", at + 8, end);
    at = end;
  }
  return text.trimEnd();
}
