export { assertHistory, findConflict, type Conflict } from "./history/check.ts";
export type { HistoryEvent } from "./history/event.ts";
export {
  RemoteError,
  startProcess,
  type RemoteHolding,
  type TestProcess,
} from "./processes/child-process.ts";
export type { ChildSettings, Outcome, RemoteGrant } from "./processes/protocol.ts";
export type { Random } from "./random.ts";
export { startProxy, type FaultProxy, type ProxyTarget } from "./proxy.ts";
export {
  defineSubject,
  loadSubject,
  type Subject,
  type SubjectTransaction,
  type SubjectWorld,
} from "./subject.ts";
export { allCases } from "./suite/all-cases.ts";
export {
  applicableCases,
  type ApplicableCase,
  type ExcludedCase,
  type Placement,
} from "./suite/applicable.ts";
export type { ConformanceCase, Requirements } from "./suite/conformance-case.ts";
export { prepareSuite, type PreparedSuite } from "./suite/prepare.ts";
export { judgeCase, runCase, timeLimit, type LoadedSubject } from "./suite/run-case.ts";
export {
  runSuite,
  type Finding,
  type Progress,
  type RunSuiteOptions,
  type SuiteReport,
} from "./suite/run-suite.ts";
export type { Failure, Verdict } from "./suite/verdict.ts";
export type { Holding } from "./world/holding.ts";
export type { World } from "./world/world.ts";
