import { isLockError, type Lock, type Locking, type ProviderCapabilities } from "@lock/core";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { contend } from "../world/contention.ts";
import { deferred, type Deferred } from "../world/deferred.ts";
import { measureFootprint } from "./footprint.ts";
import { runWorkload } from "../soak/workload.ts";
import { notedClaims, tokenOf } from "./noted-claims.ts";
import type { Command, Outcome, RemoteGrant, Report } from "./protocol.ts";

/** Runs the commands of a parent on this process's service, and reports what happens. */
export function runCommand(
  locking: Locking,
  manifest: ProviderCapabilities,
  name: string,
  send: (report: Report) => void,
): (call: number, command: Command) => Promise<Outcome> {
  const jobs = new Map<number, Deferred<void>>();
  const { execute, acquire } = notedClaims(locking, manifest, name, send);
  let resting: AbortController | undefined;
  let working: Promise<void> | undefined;
  // Calls of the commands that make several claims.
  let inner = 1_000_000;

  const increment = async (key: string, file: string): Promise<void> => {
    await execute(inner++, [key], { timeout: Infinity }, async () => {
      const before = Number(await readFile(file, "utf8"));
      await pause(0);
      await writeFile(file, String(before + 1));
    });
  };

  const run = async (call: number, command: Command): Promise<(Outcome & { ok: true })["value"]> => {
    switch (command.do) {
      case "execute": {
        const end = deferred();
        jobs.set(call, end);
        await execute(call, command.keys, command.args, async (lock) => {
          send({ report: "granted", call, grant: grantOf(lock, manifest) });
          await (command.work === Infinity ? end.promise : pause(command.work));
        });
        return undefined;
      }
      case "free":
        jobs.get(command.call)?.resolve();
        return undefined;
      case "increment": {
        let left = command.times;
        const worker = async (): Promise<void> => {
          while (left-- > 0) await increment(command.key, command.file);
        };
        await Promise.all(Array.from({ length: command.together }, worker));
        return undefined;
      }
      case "acquire":
        return grantOf(await locking.acquire(command.keys, command.args), manifest);
      case "release":
        return await locking.release(command.keys, command.args);
      case "releaseAll":
        await locking.releaseAll(command.args);
        return undefined;
      case "inspect":
        return await locking.inspect(command.keys);
      case "contend":
        await contend(locking, command.times, (turn) => `k${turn % 10}`);
        return undefined;
      case "measure":
        return await measureFootprint();
      case "work":
        resting = new AbortController();
        working = runWorkload({ execute, acquire }, command.plan, resting.signal, (message) =>
          send({ report: "surprise", message }),
        );
        return undefined;
      case "rest":
        resting?.abort();
        await working;
        return undefined;
      case "answer":
        return undefined;
      case "close":
        await locking.close();
        return undefined;
    }
  };

  return async (call, command) => {
    try {
      return { ok: true, value: await run(call, command) };
    } catch (error) {
      return { ok: false, code: isLockError(error) ? error.code : undefined, message: String(error) };
    }
  };
}

function grantOf(lock: Lock, manifest: ProviderCapabilities): RemoteGrant {
  return { token: tokenOf(lock, manifest), remaining: lock.remaining() };
}
