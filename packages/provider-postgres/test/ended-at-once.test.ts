import { createServer, connect, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "./database.ts";
import { claimOf, instance, newId } from "./instance.ts";

const applicationName = `ended-${newId()}`;
let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** What a server says last before a connection can be used: the number of its process, and that it is ready. */
function processOf(greeting: Buffer): number | undefined {
  const at = greeting.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  return at >= 0 && greeting.includes(Buffer.from([0x5a, 0, 0, 0, 5]))
    ? greeting.readInt32BE(at + 5)
    : undefined;
}

/** A way to the server on which a connection, while `armed`, is ended as soon as it is open: both are heard in one breath. */
async function relay(target: URL): Promise<{ url: string; arm(now: boolean): void; readonly ended: number }> {
  let armed = false;
  let ended = 0;
  const server = createServer((client) => {
    const backend = connect(Number(target.port), target.hostname);
    let held: Buffer | undefined;
    client.on("data", (bytes) => backend.write(bytes)).on("error", () => backend.destroy());
    client.on("close", () => backend.destroy());
    backend.on("error", () => client.destroy()).on("close", () => client.end());
    backend.on("data", (bytes) => {
      const pid = armed ? processOf(bytes) : undefined;
      if (held !== undefined) {
        client.write(Buffer.concat([held, bytes]));
        held = undefined;
        ended += 1;
      } else if (pid === undefined) client.write(bytes);
      else {
        held = bytes;
        void database.query("SELECT pg_terminate_backend($1)", [pid]);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = new URL(target);
  url.searchParams.set("application_name", applicationName);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    arm: (now) => {
      armed = now;
    },
    get ended() {
      return ended;
    },
  };
}

test.each([0, 2])(
  "connections that the server ends as soon as they are open end no process, with %d sessions",
  async (sessions) => {
    const namespace = newId();
    const way = await relay(new URL(database.url));
    way.arm(true);
    await expect(instance({ connectionString: way.url }, { sessions, namespace })).rejects.toThrow(
      /connection/i,
    );
    expect(way.ended).toBeGreaterThan(0);
    way.arm(false);
    await using one = await instance({ connectionString: way.url }, { sessions, namespace });
    way.arm(true);
    const claim = claimOf({});
    const before = way.ended;
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
      [applicationName],
    );
    const taken = (): Promise<unknown> => one.take(claim).catch(() => undefined);
    await expect
      .poll(async () => {
        await taken();
        return way.ended;
      })
      .toBeGreaterThan(before);
    way.arm(false);
    await expect.poll(taken, { timeout: 10_000 }).toMatchObject({ status: "granted" });
  },
);
