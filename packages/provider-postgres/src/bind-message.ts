import type { Parameter } from "./operations/request.ts";

// Execute, all rows of the portal without a name, and Sync.
const executeAndSync = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);

/**
 * The messages Bind, Execute and Sync of the protocol, for a statement that is prepared under this name, in one piece: each piece that is
 * written costs more than all that is in it. Parameters and rows are text. See "Message Formats" in PostgreSQL's documentation.
 */
export function bindMessage(statement: string, values: readonly Parameter[]): Buffer {
  const texts = values.map(written);
  // Length, two names that each end with a zero, and three counts: formats of parameters (none: text), parameters, formats of columns.
  let length = 4 + 1 + Buffer.byteLength(statement) + 1 + 3 * 2;
  for (const text of texts) length += 4 + (text === null ? 0 : Buffer.byteLength(text));
  const message = Buffer.allocUnsafe(1 + length + executeAndSync.length);
  message[0] = 0x42;
  let at = message.writeInt32BE(length, 1);
  message[at++] = 0;
  at += message.write(statement, at);
  message[at++] = 0;
  at = message.writeInt16BE(0, at);
  at = message.writeInt16BE(texts.length, at);
  for (const text of texts) {
    const size = text === null ? -1 : message.write(text, at + 4);
    at = message.writeInt32BE(size, at) + Math.max(0, size);
  }
  at = message.writeInt16BE(0, at);
  executeAndSync.copy(message, at);
  return message;
}

/** Found by itself first, since few texts have any. */
const special = /["\\]/;

/** A parameter as the server reads it. */
function written(value: Parameter): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? `{${value.map(element).join(",")}}` : String(value);
}

function element(value: string | number): string {
  if (typeof value !== "string") return String(value);
  return `"${special.test(value) ? value.replaceAll(/["\\]/g, String.raw`\$&`) : value}"`;
}
