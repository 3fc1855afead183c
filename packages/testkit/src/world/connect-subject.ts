import { createLocking, type Locking, type Logger, type ProviderCapabilities } from "@lock/core";
import type { Subject, SubjectWorld } from "../subject.ts";
import { within } from "./bounded.ts";
import { observed } from "./observed.ts";

/** A service over one instance of a subject. */
export interface ConnectedSubject {
  readonly locking: Locking;
  readonly manifest: ProviderCapabilities;
  /** The instance of a class that was written by hand. */
  readonly instance: unknown;
}

export const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Makes one more instance of a subject in a namespace, and a service that has it as its only provider. */
export async function connectSubject(
  subject: Subject,
  namespace: string,
  options: { readonly logger?: Logger; readonly lazy?: boolean; readonly env?: SubjectWorld["env"] } = {},
): Promise<ConnectedSubject> {
  const { env = process.env, ...rest } = options;
  // Core bounds the connecting, but it is given what was made already.
  const making = (async () => await subject.create({ namespace, env }))();
  const made = await within(10_000, `an instance of ${subject.name} to be made`, making);
  const { registration, manifest, instance } = observed(made);
  const locking = await createLocking({ providers: [registration], logger: silent, ...rest });
  return {
    locking,
    // Read when it is asked for: it is final only once the provider is connected.
    get manifest() {
      return manifest();
    },
    get instance() {
      return instance();
    },
  };
}
