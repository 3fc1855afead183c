import type { Logger } from "../src/contract/logger.ts";

/** Keeps what was logged, each line with its level in front. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];

  debug(message: string): void {
    this.lines.push(`debug ${message}`);
  }

  info(message: string): void {
    this.lines.push(`info ${message}`);
  }

  warn(message: string): void {
    this.lines.push(`warn ${message}`);
  }

  error(message: string): void {
    this.lines.push(`error ${message}`);
  }

  at(level: "debug" | "info" | "warn" | "error"): string[] {
    return this.lines.filter((line) => line.startsWith(level)).map((line) => line.slice(level.length + 1));
  }
}
