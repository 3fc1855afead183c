import { setTimeout as pause } from "node:timers/promises";
import type { FaultProxy } from "../proxy.ts";
import type { Random } from "../random.ts";
import type { Crew, Hand } from "./crew.ts";
import type { Fault } from "./options.ts";

/** Lets one or two faults happen at once, each to a process of its own; resolves with their number when all are over. */
export async function strike(
  crew: Crew,
  faults: readonly Fault[],
  lease: number,
  random: Random,
): Promise<number> {
  if (faults.length === 0) return 0;
  // Somebody has to be there to profit from it.
  const victims = random.shuffled(crew.hands).slice(0, Math.min(1 + random.below(2), crew.hands.length - 1));
  await Promise.all(
    victims.map(async (hand) => await happen(random.pick(faults), hand, crew, lease, random)),
  );
  return victims.length;
}

async function happen(fault: Fault, hand: Hand, crew: Crew, lease: number, random: Random): Promise<void> {
  switch (fault) {
    case "kill":
      return await crew.replace(hand);
    case "stop":
      hand.process.stop();
      // At times past its lease.
      await pause(random.below(lease * 2));
      return hand.process.continue();
    case "cut":
      if (hand.proxy !== undefined) await disturb(hand.proxy, random);
  }
}

async function disturb(proxy: FaultProxy, random: Random): Promise<void> {
  const time = random.below(1_500);
  switch (random.pick(["cut", "away", "stall", "lose"] as const)) {
    case "cut":
      return proxy.cut();
    case "away":
      await proxy.refuse();
      proxy.cut();
      await pause(time);
      return await proxy.restore();
    case "stall":
      proxy.stall();
      await pause(time);
      return proxy.resume();
    case "lose":
      // Where nothing is asked for a while, there is no reply to lose.
      return await Promise.race([proxy.loseReply(), pause(time)]);
  }
}
