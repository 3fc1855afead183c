export type { Climate } from "./manner.ts";
export { ManualClock } from "./manual-clock.ts";
export { play, type Define, type Run } from "./play.ts";
export { randomSchedule } from "./random-schedule.ts";
export type {
  AcquireCall,
  Call,
  CloseCall,
  ExecuteCall,
  Fault,
  ReleaseAllCall,
  ReleaseCall,
  Schedule,
  StoreKind,
  WaitingCall,
  Weather,
} from "./schedule.ts";
export { seededRandom } from "./seeded-random.ts";
export { simulate, SimulationFailure, type SimulationReport, type SimulationSettings } from "./simulate.ts";
export type { Violation } from "./world.ts";
