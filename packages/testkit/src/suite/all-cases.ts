import { acquireCases } from "../cases/acquire.ts";
import { chanceCases } from "../cases/chance.ts";
import { closeCases } from "../cases/close.ts";
import { crashCases } from "../cases/crashes.ts";
import { durationCases } from "../cases/durations.ts";
import { errorCases } from "../cases/errors.ts";
import { executeCases } from "../cases/execute.ts";
import { extendCases } from "../cases/extend.ts";
import { faultCases } from "../cases/faults.ts";
import { fencingCases } from "../cases/fencing.ts";
import { handleCases } from "../cases/handle.ts";
import { inspectCases } from "../cases/inspect.ts";
import { keyCases } from "../cases/keys.ts";
import { leftoverCases } from "../cases/leftovers.ts";
import { limitCases } from "../cases/limit.ts";
import { lostCases } from "../cases/lost.ts";
import { orderCases } from "../cases/order.ts";
import { ownerCases } from "../cases/owners.ts";
import { processCases } from "../cases/processes.ts";
import { pushCases } from "../cases/push.ts";
import { reacquirePartCases } from "../cases/reacquire-part.ts";
import { reacquireCases } from "../cases/reacquire.ts";
import { reentrancyCases } from "../cases/reentrancy.ts";
import { releaseAllCases } from "../cases/release-all.ts";
import { releaseCases } from "../cases/release.ts";
import { serviceCases } from "../cases/service.ts";
import { sharedContextCases } from "../cases/shared-context.ts";
import { signalCases } from "../cases/signal.ts";
import { storeQueueCases } from "../cases/store-queue.ts";
import { storeCases } from "../cases/store.ts";
import { timeoutCases } from "../cases/timeout.ts";
import type { ConformanceCase } from "./conformance-case.ts";

/** The suite: the contract, sentence by sentence, in its order. */
export const allCases: readonly ConformanceCase[] = [
  ...serviceCases,
  ...durationCases,
  ...keyCases,
  ...ownerCases,
  ...limitCases,
  ...orderCases,
  ...acquireCases,
  ...reacquireCases,
  ...reacquirePartCases,
  ...timeoutCases,
  ...signalCases,
  ...executeCases,
  ...lostCases,
  ...reentrancyCases,
  ...releaseCases,
  ...releaseAllCases,
  ...inspectCases,
  ...closeCases,
  ...sharedContextCases,
  ...handleCases,
  ...extendCases,
  ...errorCases,
  ...fencingCases,
  ...pushCases,
  ...chanceCases,
  ...storeCases,
  ...storeQueueCases,
  ...leftoverCases,
  ...faultCases,
  ...processCases,
  ...crashCases,
];
