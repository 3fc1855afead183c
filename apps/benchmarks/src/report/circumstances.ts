import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from "node:os";

/** Under what a run was made. */
export interface Circumstances {
  readonly date: string;
  readonly node: string;
  readonly machine: string;
  readonly rounds: number;
  /** What the server is and how it is set. */
  readonly server: string;
  /** What the machine was doing besides: its load average of a minute, before and after each part. */
  readonly load: readonly number[];
}

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${platform()} ${arch()}, ${availableParallelism()} cores (${model}), ${memory} GB`;
}

export function load(): number {
  return Math.round((loadavg()[0] ?? Number.NaN) * 10) / 10;
}
