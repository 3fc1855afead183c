import type { RedisCluster } from "@lock/testkit/containers";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";

/** What the masters are told from now on, of this namespace. */
export async function commandsOn(cluster: RedisCluster, namespace: string): Promise<() => Promise<string[]>> {
  const commands: string[][] = [];
  const masters = await cluster.masters();
  for (const { url } of masters) {
    const client = new Redis(url);
    // What it asks for when it connects would be told to the monitor before that knows that it is one.
    await client.ping();
    const monitor = await client.monitor();
    onTestFinished(() => [client, monitor].forEach((each) => each.disconnect()));
    monitor.on("monitor", (_time: string, command: string[]) => commands.push(command));
  }
  return async () => {
    await Promise.all(masters.map((master) => master.command("ECHO", "that is all")));
    const ends = (): number => commands.filter(([, text]) => text === "that is all").length;
    await eventually(ends).toBe(masters.length);
    // The commands of a script are told as well, of no connection of ours.
    const ours = commands.filter((command) => command.some((text) => text.startsWith(`${namespace}{`)));
    return ours.map(([name]) => String(name).toLowerCase()).filter((name) => name.startsWith("eval"));
  };
}
