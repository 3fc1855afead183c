import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { ownRedis } from "./own-server.ts";

const library = "/tmp/stepped.so";

export interface SteppedServer {
  readonly url: string;
  /** Sets its wall clock so many seconds ahead of this machine's; no other process's clock changes. */
  step(seconds: number): Promise<void>;
}

/** A server of the test's own whose clock can be stepped. Needs `cc`, for the few lines that stand between it and its C library. */
export async function steppedServer(): Promise<SteppedServer> {
  const content = await compiled();
  const container = await ownRedis((plain) =>
    plain
      .withCopyContentToContainer([{ content, target: library, mode: 0o755 }])
      .withEnvironment({ LD_PRELOAD: library }),
  );
  onTestFinished(async () => {
    await container.stop();
  });
  return {
    url: container.getConnectionUrl(),
    step: async (seconds) => {
      // Put in place in one step: it is read at any time.
      const set = `echo ${seconds} > /tmp/next-step && mv /tmp/next-step /tmp/clock-step`;
      const { exitCode, output } = await container.exec(["sh", "-c", set]);
      if (exitCode !== 0) throw new Error(`The clock could not be stepped: ${output}`);
    },
  };
}

async function compiled(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "lock-clock-"));
  try {
    const source = fileURLToPath(new URL("./clock/stepped.c", import.meta.url));
    const out = join(folder, "stepped.so");
    // Without a C library of its own it goes with that of any image.
    await promisify(execFile)("cc", [
      "-shared",
      "-fPIC",
      "-O1",
      "-nostdlib",
      "-fno-stack-protector",
      "-o",
      out,
      source,
    ]);
    return await readFile(out);
  } finally {
    await rm(folder, { recursive: true });
  }
}
