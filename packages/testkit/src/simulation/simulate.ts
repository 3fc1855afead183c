import { defineProvider } from "@lock/core";
import { play, type Define } from "./play.ts";
import type { Climate } from "./manner.ts";
import { randomSchedule } from "./random-schedule.ts";
import type { Schedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";

export interface SimulationSettings {
  /** Of the first schedule; each next one has the next. Default: drawn, and in the report. */
  readonly seed?: number | undefined;
  /** How many schedules to play. Default: 1,000, a second or two. */
  readonly schedules?: number | undefined;
  /** `"mixed"`: from fair weather to foul. `"foul"`: nothing but foul weather. Default: `"mixed"`. */
  readonly climate?: Climate | undefined;
  /** Makes the provider of each process of the definition it is given. Default: `defineProvider` of `@lock/core`. */
  readonly define?: Define | undefined;
}

/** What was played, when nothing was found. */
export interface SimulationReport {
  readonly seed: number;
  readonly schedules: number;
  readonly grants: number;
  /** Messages that were lost, late or doubled. */
  readonly troubledMessages: number;
  /** Schedules in which the backend's clock was set. */
  readonly steppedSchedules: number;
  /** How often two held together in those, each time told apart by their fencing tokens: nothing else can help against it. */
  readonly brokenBySteps: number;
}

/** A schedule broke a promise. The message is its shortest form as a story, and how to repeat it. */
export class SimulationFailure extends Error {
  override readonly name = "SimulationFailure";
  readonly seed: number;
  /** Which promise, in a word or two. */
  readonly rule: string;
  /** The schedule in its shortest form; `play` plays it. */
  readonly schedule: Schedule;

  constructor(seed: number, rule: string, schedule: Schedule, message: string) {
    super(message);
    this.seed = seed;
    this.rule = rule;
    this.schedule = schedule;
  }
}

/**
 * Plays random schedules of whole engines in several processes, over a simulated network and backend, in virtual time: calls of
 * all kinds, lost, late and doubled messages, cut connections, crashes, pauses, steps of the backend's clock.
 *
 * @throws {SimulationFailure} with the first that breaks a promise.
 */
export async function simulate(settings: SimulationSettings = {}): Promise<SimulationReport> {
  const { schedules = 1_000, climate = "mixed", define = defineProvider } = settings;
  const seed = settings.seed ?? Math.floor(Math.random() * 2 ** 31);
  let [grants, troubledMessages, steppedSchedules, brokenBySteps] = [0, 0, 0, 0];
  for (let turn = 0; turn < schedules; turn += 1) {
    const schedule = randomSchedule(seed + turn, climate);
    const run = await play(schedule, define);
    if (run.violation !== null) throw await failure(schedule, run.violation.rule, climate, define);
    grants += run.grants;
    troubledMessages += run.troubled.size;
    if (schedule.faults.some((fault) => fault.kind === "step")) steppedSchedules += 1;
    brokenBySteps += run.brokenBySteps;
  }
  return { seed, schedules, grants, troubledMessages, steppedSchedules, brokenBySteps };
}

async function failure(
  schedule: Schedule,
  rule: string,
  climate: Climate,
  define: Define,
): Promise<SimulationFailure> {
  const { seed } = schedule;
  const shortest = await shrink(schedule, rule, define);
  const story: string[] = [];
  const { violation } = await play(shortest, define, story);
  const { latency } = shortest.weather;
  const settings = climate === "mixed" ? "" : `, climate: "${climate}"`;
  const message = [
    `The schedule of seed ${seed} breaks a promise (${rule}): ${violation?.message}.`,
    `Its story, in milliseconds; a message takes up to ${latency} ms, and what the story does not need was left out:`,
    ...abridged(story),
    `To repeat it: simulate({ seed: ${seed}, schedules: 1${settings} })`,
  ].join("\n");
  return new SimulationFailure(seed, rule, shortest, message);
}

/** How a long story ends. */
function abridged(story: readonly string[]): readonly string[] {
  const most = 120;
  return story.length <= most ? story : [`  … ${story.length - most} more …`, ...story.slice(-most)];
}
