import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Footprint } from "./protocol.ts";

/** What this process keeps, once what is under way has come to rest. */
export async function measureFootprint(): Promise<Footprint> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // What a first collection finalises is freed by the next.
  for (let time = 0; time < 3; time++) {
    await pause(50);
    collect();
  }
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  return { heap: process.memoryUsage().heapUsed, timers };
}
