import type { Socket } from "node:net";
import { deserialize, serialize } from "node:v8";

/** Sends a value as its length and its bytes. */
export function sendFrame(socket: Socket, value: unknown): void {
  const body = serialize(value);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  socket.write(Buffer.concat([head, body]));
}

/** Calls `receive` with each value that arrives. */
export function onFrames(socket: Socket, receive: (value: unknown) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE();
      const body = bytes.subarray(4, end);
      bytes = bytes.subarray(end);
      receive(deserialize(body));
    }
  });
}
