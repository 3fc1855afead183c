import type { Fault } from "./schedule.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** What every lease that ends passes on within, where messages are quick enough. */
const PASSES_WITHIN = 1_000;

/** When all is over: what must have ended has, and nothing is left. */
export function lastLook(world: World): void {
  const { backend, clock, conditions, schedule } = world;
  for (const { call, process, ended } of world.attempts) {
    if (!ended && process.state === "running") world.violate("endless", `call ${call.name} does not end`);
  }
  const now = clock.now() + world.offset;
  for (const { claim, livesUntil } of backend.places)
    if (livesUntil > now) world.violate("place left", `the place of ${world.nameOf(claim.id)} is left`);
  for (const { key, grant, claims, endsAt } of backend.holdings) {
    if (endsAt <= now) continue;
    const holders = [...claims].map((claimId) => world.byClaim.get(claimId)!);
    // Nobody releases for a process that crashed, or was closed before it could.
    if (holders.every(({ process }) => process.state === "running" && !wasClosed(world, process.index))) {
      world.violate(
        "grant left",
        `"${key}" is held under ${world.nameOf(grant.id)} still, token ${grant.token}`,
      );
    }
  }
  if (conditions.unstepped) lookForLateTakes(world);
  if (clock.pending > 0) world.violate("timer left", `${clock.pending} timers are set`);
  const { fair, steady, unstepped, pushesArrive } = conditions;
  if (!fair || !steady || !unstepped) return;
  if (backend.deadPlaces > 0 && !schedule.calls.some((call) => call.does === "close"))
    world.violate("place died", "a waiter's place died, though it was there and asked");
  const slack = 4 * schedule.weather.latency + (pushesArrive ? 300 : 3_300);
  if (backend.longestLag > Math.max(PASSES_WITHIN, slack))
    world.violate("passes on late", `a lease that ended passed on after ${backend.longestLag} ms`);
  if (backend.longestWake > slack)
    world.violate(
      "told late",
      `a waiter learnt after ${backend.longestWake} ms that its owner held its keys`,
    );
  for (const { call, claimId, token, grantedAt } of world.attempts) {
    const grant = backend.grants.get(Number(token));
    if (
      grantedAt !== null &&
      grant?.id === claimId &&
      grantedAt - grant.since > slack + 2 * schedule.weather.latency
    )
      world.violate("told late", `call ${call.name} learnt of its grant after ${grantedAt - grant.since} ms`);
  }
}

/** A request that was late must find the tombstone of a claim that is over, also where what it took would have lapsed by itself. */
function lookForLateTakes(world: World): void {
  for (const grant of world.backend.grants.values()) {
    const attempt = world.byClaim.get(grant.id);
    // One that was granted in place leaves its tombstone in the background: what is late may come first, and is given back.
    const own = world.backend.grants.get(Number(attempt?.token))?.id === attempt?.claimId;
    if (attempt !== undefined && own && attempt.releasedAt !== null && grant.since > attempt.releasedAt)
      world.violate("taken late", `call ${attempt.call.name} took again after its release`);
  }
}

/**
 * A withdrawal that could not be delivered while the connection was cut is delivered soon after, long before the place would
 * die by itself.
 */
export function lookAfterCut(
  world: World,
  process: SimulatedProcess,
  { lasts, silent }: Extract<Fault, { kind: "cut" }>,
): void {
  const { backend, clock, schedule } = world;
  const faults = schedule.faults.filter((fault) => fault.kind !== "step" && fault.process === process.index);
  const isPlain = schedule.weather.trouble === 0 && faults.length === 1 && !silent;
  if (!isPlain || lasts > 1_500 || wasClosed(world, process.index)) return;
  const over = world.attempts.filter((attempt) => attempt.process === process && attempt.ended);
  // Its tries are as far apart, at most, as they have been going on.
  clock.after(2 * lasts + 400 + 2 * schedule.weather.latency, () => {
    for (const { call, claimId } of over) {
      if (backend.places.some(({ claim }) => claim.id === claimId))
        world.violate("place left", `the place of call ${call.name} is left after a cut`);
    }
  });
}

function wasClosed({ schedule }: World, index: number): boolean {
  return schedule.calls.some((call) => call.does === "close" && call.process === index);
}
