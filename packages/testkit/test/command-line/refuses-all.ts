import { LockError, type KeyState, type ProviderCapabilities } from "@lock/core";

const refuse = async (keys: readonly string[]): Promise<never> => {
  throw new LockError("LOCK_TIMEOUT", "Timed-out acquiring lock", { keys });
};

/** Excludes everybody. */
export default class RefusesAll {
  static readonly identifier: string = "refuses-all";
  readonly capabilities: Partial<ProviderCapabilities> = { scope: "shared", inspect: true };
  readonly acquire: typeof refuse = refuse;
  readonly execute: typeof refuse = refuse;
  async release(): Promise<boolean> {
    return false;
  }
  async releaseAll(): Promise<void> {}
  async inspect(keys: readonly string[]): Promise<KeyState[]> {
    return keys.map((key) => ({ key, holders: [], waiting: 0 }));
  }
}
