export { parseDuration, type Duration } from "./arguments/duration.ts";
export type { ProviderCapabilities } from "./contract/capabilities.ts";
export {
  isLockError,
  LockError,
  LockLostError,
  type LockErrorCode,
  type LockErrorOptions,
} from "./contract/errors.ts";
export {
  CHECK_INTERVAL,
  HANDOVER_LEASE,
  PLACE_LIFETIME,
  TOMBSTONE_LIFETIME,
  type Awaitable,
  type Binding,
  type Claim,
  type Handover,
  type Holder,
  type KeyState,
  type LockStore,
  type Release,
  type ReleaseReply,
  type Renewal,
  type RenewReply,
  type StoreContext,
  type StoreEvents,
  type TakeReply,
} from "./contract/lock-store.ts";
export type { Lock } from "./contract/lock.ts";
export type {
  LockingProvider,
  LockingProviderClass,
  ProviderAcquireArgs,
  ProviderDependencies,
  ProviderExecuteArgs,
  ProviderGrant,
  ProviderReleaseArgs,
} from "./contract/locking-provider.ts";
export type {
  AcquireArgs,
  CloseOptions,
  ExecuteArgs,
  InspectArgs,
  Keys,
  Locking,
  ReleaseAllArgs,
  ReleaseArgs,
} from "./contract/locking.ts";
export type { Logger } from "./contract/logger.ts";
export type { CleanAcquireArgs, CleanExecuteArgs, ConnectContext, Provider } from "./contract/provider.ts";
export type { SharedContext } from "./contract/shared-context.ts";
export type { Clock } from "./engine/clock.ts";
export { defineProvider, type ProviderDefinition, type ProviderSettings } from "./engine/define-provider.ts";
export {
  createLocking,
  type CreateLockingOptions,
  type ProviderEntry,
  type ProviderRegistration,
} from "./service/create-locking.ts";
