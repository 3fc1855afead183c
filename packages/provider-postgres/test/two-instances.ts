import { afterAll, beforeAll, beforeEach } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { instance, newId, type Instance } from "./instance.ts";

export interface TwoInstances {
  readonly database: TestDatabase;
  readonly one: Instance;
  readonly other: Instance;
}

/** Of one namespace, as two processes have it; made anew for each test of the file that calls it. */
export function twoInstances(): TwoInstances {
  let database: TestDatabase;
  let one: Instance;
  let other: Instance;
  beforeAll(async () => {
    database = await migratedDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(async () => {
    await database.query("TRUNCATE locking, locking_queue, locking_withdrawn");
    const namespace = newId();
    one = await instance({ connectionString: database.url }, { namespace });
    other = await instance({ connectionString: database.url }, { namespace });
    return async () => {
      await one.store.close();
      await other.store.close();
    };
  });
  return {
    get database() {
      return database;
    },
    get one() {
      return one;
    },
    get other() {
      return other;
    },
  };
}
