import { createLocking, type Locking, type Logger, type ProviderCapabilities } from "@lock/core";
import type { Subject, SubjectWorld } from "../subject.ts";
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
  const { registration, manifest, instance } = observed(await subject.create({ namespace, env }));
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
