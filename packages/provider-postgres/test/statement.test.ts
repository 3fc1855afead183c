import { afterAll, expect, test } from "vitest";
import pg from "pg";
import { sendCall } from "../src/statement.ts";
import { serverUrl } from "./database.ts";

const clients: pg.Client[] = [];

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
});

async function connected(client: pg.Client): Promise<pg.Client> {
  await client.connect();
  clients.push(client);
  return client;
}

test("a statement whose first use failed can be used", async () => {
  const client = await connected(new pg.Client(serverUrl));
  const divide = (by: number) => ({ name: "divide", text: "SELECT 6 / $1::integer", values: [by] });
  await expect(sendCall(client, divide(0), 0)).rejects.toMatchObject({ code: "22012" });
  await expect(sendCall(client, divide(2), 0)).resolves.toEqual([["3"]]);
  await expect(sendCall(client, divide(0), 0)).rejects.toMatchObject({ code: "22012" });
  await expect(sendCall(client, divide(3), 0)).resolves.toEqual([["2"]]);
});

test("parameters arrive as they are", async () => {
  const client = await connected(new pg.Client(serverUrl));
  const texts = ["", "NULL", "a,b", '"', "\\", '\\"', "{}", " x ", "ü\n'"];
  const call = {
    name: "echo",
    text: "SELECT to_json($1::text[]), $2::bigint[], $3::text, $4::boolean, $5::float8, $6::text[], $7::text",
    values: [texts, ["-9223372036854775808", 7], '"{\\', true, Infinity, [], null],
  };
  const [row] = await sendCall(client, call, 0);
  expect(JSON.parse(row?.[0] ?? "")).toEqual(texts);
  expect(row?.slice(1)).toEqual(["{-9223372036854775808,7}", '"{\\', "t", "Infinity", "{}", null]);
});

test("one that gets no answer in time fails", async () => {
  const client = await connected(new pg.Client(serverUrl));
  const sleep = { name: "sleep", text: "SELECT pg_sleep($1)", values: [0.5] };
  await expect(sendCall(client, sleep, 50)).rejects.toThrow("timeout");
});

test("clients whose queries somebody watches are asked in the ordinary way", async () => {
  const seen: unknown[] = [];
  class Watched extends pg.Client {
    override query(...given: unknown[]): never {
      seen.push((given[0] as { text: string }).text);
      return Reflect.apply(super.query, this, given) as never;
    }
  }
  const one = { name: "one", text: "SELECT $1::integer", values: [1] };
  await expect(sendCall(await connected(new Watched(serverUrl)), one, 0)).resolves.toEqual([["1"]]);
  const wrapped = await connected(new pg.Client(serverUrl));
  const query = wrapped.query.bind(wrapped) as (...given: unknown[]) => unknown;
  const watch = (...given: unknown[]): unknown => {
    seen.push((given[0] as { text: string }).text);
    return query(...given);
  };
  wrapped.query = Object.assign(watch, { __wrapped: true }) as never;
  await expect(sendCall(wrapped, one, 0)).resolves.toEqual([["1"]]);
  expect(seen).toEqual([one.text, one.text]);
});

test("a client that sends its queries ahead is asked in the ordinary way", async () => {
  const ahead = { connectionString: serverUrl, pipeline: true };
  const client = await connected(new pg.Client(ahead));
  const one = { name: "one", text: "SELECT $1::integer", values: [1] };
  await expect(sendCall(client, one, 0)).resolves.toEqual([["1"]]);
});
