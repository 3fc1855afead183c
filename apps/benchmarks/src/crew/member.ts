import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Request, Response, TaskName, Tasks } from "./tasks.ts";

const worker = fileURLToPath(new URL("../worker.ts", import.meta.url));

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** A process of its own, in which contenders compete: no other's garbage is collected in it, and no table is drawn. */
export class Member {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #asked = 0;

  constructor() {
    // What Node has to say of the contenders' code is no news here.
    const hushed = ["DeprecationWarning", "MaxListenersExceededWarning"];
    const execArgv = ["--expose-gc", ...hushed.map((warning) => `--disable-warning=${warning}`)];
    this.#child = fork(worker, ["member"], { serialization: "advanced", execArgv });
    this.#child.on("message", (response) => this.#answered(response as Response));
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#pending.values()) reject(new Error(`a member ended with code ${code}`));
      this.#pending.clear();
    });
  }

  ask<Name extends TaskName>(task: Name, ask: Tasks[Name]["ask"]): Promise<Tasks[Name]["answer"]> {
    return new Promise((resolve, reject) => {
      this.#asked += 1;
      const request: Request<Name> = { id: this.#asked, task, ask };
      this.#pending.set(request.id, { resolve, reject });
      this.#child.send(request);
    });
  }

  /** Its connections end with it. */
  async dismiss(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await gone;
  }

  #answered(response: Response): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if ("error" in response) pending?.reject(new Error(response.error));
    else pending?.resolve(response.answer as never);
  }
}
