import type { ClientBase } from "pg";

/** Milliseconds for the server to answer a farewell. */
const patience = 400;

/** Ends a connection. One whose server is silent is cut: it would keep the process up for as long as TCP has hope, a quarter of an hour. */
export async function farewell(client: ClientBase & { end(): Promise<void> }): Promise<void> {
  const timer = setTimeout(() => cut(client), patience);
  await client.end().catch(() => {});
  clearTimeout(timer);
}

/** Without a farewell, which might wait for a server that is not there. */
export function cut(client: ClientBase): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy?(): void } } };
  if (typeof connection?.stream?.destroy === "function") connection.stream.destroy();
  else (client as unknown as { end(): Promise<void> }).end().catch(() => {});
}
