import pg from "pg";
import { expect, test } from "vitest";
import { migratedDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

test.each([
  ["sessions", { sessions: 2 }],
  ["rows", {}],
])(
  "a call that need not wait for the disk leaves no later one that does not, with %s",
  async (_, options) => {
    await using database = await migratedDatabase();
    const clients: pg.Client[] = [];
    class NotedClient extends pg.Client {
      constructor(config?: string | pg.ClientConfig) {
        super(config);
        clients.push(this);
      }
    }
    const pool = new pg.Pool({ connectionString: database.url, Client: NotedClient });
    await using one = await instance({ pool }, options);
    const settings = async (): Promise<Set<string>> => {
      const ask = { text: "SHOW synchronous_commit", rowMode: "array" as const };
      const replies = await Promise.all(clients.map((client) => client.query<string[]>(ask)));
      return new Set(replies.map(({ rows }) => rows[0]?.[0] ?? ""));
    };

    // A job, one of several who may hold the key, and one who waits for it.
    for (const limit of [1, 2]) {
      const ids = Array.from({ length: limit + 1 }, newId);
      for (const id of ids) await one.take({ id, limit });
      for (const grantId of ids) await one.release({ by: "grant", grantId, keys: ["a"], tombstone: false });
      expect(await settings()).toEqual(new Set(["on"]));
    }
    // Freed, and not handed on: who waits wants another key as well. Of keys that nobody waited for lately, or they are not held bare.
    const waiting = { id: newId(), keys: ["d", "e"] };
    const held = ["d", "e"].map((key) => claimOf({ keys: [key] }));
    await one.store.take(held);
    await one.take(waiting);
    for (const { id, keys } of [...held, waiting])
      await one.release({ by: "grant", grantId: id, keys, tombstone: false });
    expect(await settings()).toEqual(new Set(["on"]));
    // Owned, and of several keys.
    for (const keys of [["a"], ["b", "c"]]) {
      const id = newId();
      await one.take({ id, keys, ownerId: "alice" });
      await one.release({ by: "grant", grantId: id, keys, tombstone: false });
      await one.take({ keys, ownerId: "alice" });
      await one.release({ by: "owner", ownerId: "alice", keys });
      await one.store.take([
        claimOf({ keys, ownerId: "alice", wait: false }),
        claimOf({ keys, wait: false }),
      ]);
      await one.release({ by: "owner", ownerId: "alice", keys });
      await one.take({ keys, ownerId: "alice" });
      await one.store.releaseAll("alice");
      expect(await settings()).toEqual(new Set(["on"]));
    }
  },
);
