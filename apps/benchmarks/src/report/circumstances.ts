import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";

/** Under what a run was made. */
export interface Circumstances {
  readonly date: string;
  readonly node: string;
  readonly machine: string;
  readonly rounds: number;
  /** What the machine was doing besides: runnable processes, averaged over a minute, before and after each backend. */
  readonly load: readonly number[];
  readonly servers: readonly string[];
}

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${platform()} ${arch()}, ${availableParallelism()} cores (${model}), ${memory} GB`;
}

export function load(): number {
  return Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;
}
