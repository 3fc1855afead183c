import type { ProviderCapabilities } from "@lock/core";

const never = async (): Promise<never> => await new Promise(() => {});

/** Answers no call. */
export default class NeverAnswers {
  static readonly identifier: string = "never-answers";
  readonly capabilities: Partial<ProviderCapabilities> = { scope: "shared" };
  readonly acquire: () => Promise<never> = never;
  readonly execute: () => Promise<never> = never;
  readonly release: () => Promise<never> = never;
  readonly releaseAll: () => Promise<never> = never;
}
