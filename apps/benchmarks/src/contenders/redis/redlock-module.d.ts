// Its types are not where its `exports` would let TypeScript find them.
declare module "redlock" {
  import type { EventEmitter } from "node:events";
  import type { Redis } from "ioredis";

  interface Settings {
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }
  export default class Redlock extends EventEmitter {
    constructor(clients: Iterable<Redis>, settings?: Partial<Settings>);
    using<T>(resources: string[], duration: number, routine: () => Promise<T>): Promise<T>;
  }
}
