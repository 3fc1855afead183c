import { defineProvider } from "@lock/core";
import type { Subject, SubjectWorld } from "@lock/testkit";
import { connectionSettings } from "../../src/connection-settings.ts";
import { PostgresStore } from "../../src/store.ts";

/** The provider on a database with a defect, as the suite is given it. */
export function subjectOf(url: string): Subject {
  const store = ({ namespace }: SubjectWorld): PostgresStore =>
    new PostgresStore({
      settings: connectionSettings({ connectionString: url }),
      namespace,
      connections: 1,
      callTimeout: 5_000,
      push: true,
    });
  return {
    name: "on a broken database",
    store,
    create: (world) => defineProvider({ identifier: "broken", store: store(world) }),
  };
}

// Child processes load this module with the address of the database.
const chosen: Subject = subjectOf(new URL(import.meta.url).searchParams.get("database") ?? "");
export default chosen;
