import { startProxy } from "@lock/testkit";
import { expect, test } from "vitest";
import pg from "pg";
import { migratedDatabase } from "./database.ts";
import { instance } from "./instance.ts";

test("close leaves no connection open, though the server is silent", async () => {
  await using database = await migratedDatabase();
  const target = new URL(database.url);
  await using proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  target.host = `${proxy.host}:${proxy.port}`;
  const clients: pg.Client[] = [];
  class Noted extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      clients.push(this);
    }
  }
  const pool = new pg.Pool({ connectionString: target.href, Client: Noted });
  const own = await instance({ pool }, { sessions: 2 });
  expect(clients).toHaveLength(5);
  proxy.stall();
  await own.store.close();
  const open = clients.filter(
    (client) =>
      !(client as unknown as { connection: { stream: { destroyed: boolean } } }).connection.stream.destroyed,
  );
  expect(open).toHaveLength(0);
  proxy.resume();
});
