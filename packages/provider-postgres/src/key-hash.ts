import { createHash } from "node:crypto";

/**
 * The 64 bits that stand for a key: the number of the advisory lock that serialises its transitions, and what its rows are
 * found by. The first 8 bytes, big-endian and signed, of SHA-256 over namespace, NUL and key; neither can contain a NUL.
 *
 * Processes of different versions must agree on it for ever: `test/key-hash.test.ts` pins it. Keys of one hash wait for each other's
 * transitions and are told apart by their text.
 */
export function keyHash(namespace: string, key: string): bigint {
  return createHash("sha256").update(`${namespace}\0${key}`).digest().readBigInt64BE(0);
}
