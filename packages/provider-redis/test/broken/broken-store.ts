import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import type { RedisClient } from "../../src/client.ts";
import { RedisStore } from "../../src/store.ts";
import type { Defect } from "./defects.ts";

/** The store of the provider, whose scripts are written otherwise on their way to the server. */
export class BrokenStore extends RedisStore {
  readonly #client: Redis;

  constructor(url: string, namespace: string, defect: Defect) {
    // What it sends again by itself has to be marked, which is not how a provider's own connection goes about it.
    const client = new Redis(url, { lazyConnect: true, autoResendUnfulfilledCommands: false });
    client.on("error", () => {});
    super({ client: rewriting(client, defect), namespace, push: true, callTimeout: 5_000 });
    this.#client = client;
  }

  override async close(): Promise<void> {
    await super.close();
    this.#client.disconnect();
  }
}

function rewriting(client: Redis, { instead }: Defect): RedisClient {
  const shas = new Map<string, string>();
  const rewrite = (text: string): string => {
    let written = text;
    for (const [of, write] of instead) written = written.replaceAll(of, write);
    shas.set(sha(text), sha(written));
    return written;
  };
  return new Proxy<RedisClient>(client, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "call") return member.bind(target) as unknown;
      return (command: string, args: (string | number)[]) => {
        const [first = "", second = ""] = args;
        if (command === "script") return target.call(command, [first, rewrite(String(second))]);
        if (command === "eval") return target.call(command, [rewrite(String(first)), ...args.slice(1)]);
        if (command !== "evalsha") return target.call(command, args);
        return target.call(command, [shas.get(String(first)) ?? first, ...args.slice(1)]);
      };
    },
  });
}

function sha(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
