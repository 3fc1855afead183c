import type { KeyState } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore } from "../references/reference-store.ts";

type Holder = KeyState["holders"][number];

/** A store that shows its holders as others than they are. */
function showing(change: (holder: Holder) => Holder): typeof ReferenceStore {
  return class extends ReferenceStore {
    override inspect(keys: readonly string[]): KeyState[] {
      return super.inspect(keys).map((state) => ({ ...state, holders: state.holders.map(change) }));
    }
  };
}

/** What is told of who holds and who waits. */
export const inspection: readonly Broken[] = [
  {
    defect: "inspect leaves out what nobody holds",
    rejectedBy: "inspect: answers in the order of the keys, also of those that nobody holds",
    Store: class extends ReferenceStore {
      override inspect(keys: readonly string[]): KeyState[] {
        return super.inspect(keys).filter((state) => state.holders.length > 0);
      }
    },
  },
  {
    defect: "inspect answers in an order of its own",
    rejectedBy: "inspect: answers in the order of the keys, also of those that nobody holds",
    Store: class extends ReferenceStore {
      override inspect(keys: readonly string[]): KeyState[] {
        return super.inspect(keys).toReversed();
      }
    },
  },
  {
    defect: "inspect tells the remaining time in seconds",
    rejectedBy: "inspect: tells each holder's owner, limit and remaining milliseconds",
    Store: showing((holder) => ({ ...holder, remaining: holder.remaining / 1_000 })),
  },
  {
    defect: "inspect tells a token of its own",
    rejectedBy: "inspect: tells each holder's fencing token",
    Store: showing((holder) => ({ ...holder, fencingToken: 1_000n })),
  },
  {
    defect: "inspect shows one holder of many",
    rejectedBy: "inspect: tells the holders of a semaphore and of a shared lock",
    Store: class extends ReferenceStore {
      override inspect(keys: readonly string[]): KeyState[] {
        return super.inspect(keys).map((state) => ({ ...state, holders: state.holders.slice(0, 1) }));
      }
    },
  },
  {
    defect: "inspect shows what has expired until a claim clears it away",
    rejectedBy: "inspect: does not show what has expired",
    Store: class extends ReferenceStore {
      override inspect(keys: readonly string[]): KeyState[] {
        const { expire } = this;
        this.expire = () => {};
        const states = super.inspect(keys);
        this.expire = expire;
        return states;
      }
    },
  },
  {
    defect: "inspect counts each waiter for all of the keys that are looked at",
    rejectedBy: "inspect: tells how many wait, until they leave or get in",
    Store: class extends ReferenceStore {
      override inspect(keys: readonly string[]): KeyState[] {
        return super.inspect(keys).map((state) => ({ ...state, waiting: this.queue.length }));
      }
    },
  },
];
