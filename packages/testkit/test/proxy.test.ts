import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { startProxy, type FaultProxy } from "@lock/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";

let echo: Server;
let received: string;
let proxy: FaultProxy;
const sockets: Socket[] = [];

beforeEach(async () => {
  received = "";
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += String(bytes);
      socket.write(bytes);
    });
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await startProxy({ host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  echo.close();
});

async function client(): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port });
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** What comes back for a text, or "closed". */
async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return await new Promise((resolve) => {
    socket.once("data", (bytes) => resolve(String(bytes)));
    socket.once("close", () => resolve("closed"));
  });
}

test("passes on what comes, both ways", async () => {
  const socket = await client();
  expect(await ask(socket, "hello")).toBe("hello");
  expect(await ask(socket, "again")).toBe("again");
  expect(proxy.connections).toBe(1);
});

test("delays both directions", async () => {
  const socket = await client();
  proxy.latency(60);
  const start = performance.now();
  expect(await ask(socket, "late")).toBe("late");
  expect(performance.now() - start).toBeGreaterThan(115);
});

test("keeps bytes in order when the delay is lowered or taken away while some are on their way", async () => {
  const socket = await client();
  const text = "slow, quicker, at once";
  let came = "";
  const all = new Promise<void>((resolve) => {
    socket.on("data", (bytes) => {
      came += String(bytes);
      if (came.length === text.length) resolve();
    });
  });
  for (const [delay, part] of [
    [80, "slow, "],
    [20, "quicker, "],
    [0, "at once"],
  ] as const) {
    proxy.latency(delay);
    socket.write(part);
    // The proxy has it, and holds it back or not.
    await pause(10);
  }
  await all;
  expect(came).toBe(text);
  expect(received).toBe(text);
});

test("holds everything back while it is stalled, and loses nothing of it", async () => {
  const socket = await client();
  proxy.stall();
  const answer = ask(socket, "held back");
  expect(await Promise.race([answer, pause(80, "nothing")])).toBe("nothing");
  expect(received).toBe("");
  proxy.resume();
  expect(await answer).toBe("held back");
});

test("cuts connections; new ones go through", async () => {
  const socket = await client();
  await ask(socket, "before");
  const answer = ask(socket, "");
  proxy.cut();
  expect(await answer).toBe("closed");
  expect(proxy.connections).toBe(0);
  expect(await ask(await client(), "after")).toBe("after");
});

test("refuses new connections until it is restored; those there are stay", async () => {
  const socket = await client();
  await ask(socket, "before");
  await proxy.refuse();
  await expect(client()).rejects.toThrow("ECONNREFUSED");
  expect(await ask(socket, "still here")).toBe("still here");
  await proxy.restore();
  expect(await ask(await client(), "back")).toBe("back");
});

test("loses the reply after the request went through", async () => {
  const socket = await client();
  const lost = proxy.loseReply();
  expect(await ask(socket, "request")).toBe("closed");
  await lost;
  expect(received).toBe("request");
});

test("once closed it leaves no connection open, not even one whose client is gone while the rest of it is held back", async () => {
  // A backend that has said all before the client has.
  const polite = createServer({ allowHalfOpen: true }, (socket) => void socket.end("bye")).listen(
    0,
    "127.0.0.1",
  );
  await once(polite, "listening");
  const other = await startProxy({ host: "127.0.0.1", port: (polite.address() as AddressInfo).port });
  const arrived = once(polite, "connection") as Promise<[Socket]>;
  const socket = connect({ host: other.host, port: other.port, allowHalfOpen: true });
  const [atBackend] = await arrived;
  const closed = new Promise<void>((resolve) => {
    atBackend.on("error", () => {});
    atBackend.on("close", () => resolve());
    atBackend.resume();
  });
  await once(socket.resume(), "end");
  other.stall();
  socket.end();
  await once(socket, "close");
  // For the proxy to see it.
  await pause(50);
  await other.close();
  polite.close();
  expect(await Promise.race([closed.then(() => "closed"), pause(1_000, "open")])).toBe("closed");
});

test("once closed it sets no timer for what was on its way", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const socket = await client();
  const before = timers();
  proxy.latency(60_000);
  socket.write("late");
  await pause(50);
  await proxy.close();
  expect(timers()).toBeLessThanOrEqual(before);
});
