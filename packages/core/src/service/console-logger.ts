import type { Logger } from "../contract/logger.ts";

const silent = (): void => {};

/** The logger where none is given: only warnings and errors, to the console. */
export const consoleLogger: Logger = {
  debug: silent,
  info: silent,
  warn: (message) => console.warn(`[@lock] ${message}`),
  error: (message) => console.error(`[@lock] ${message}`),
};
