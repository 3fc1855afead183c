import { hash } from "node:crypto";

/**
 * The 64 bits that stand for a key: the number of the advisory lock that serialises its transitions, and what its rows are
 * found by. The first 8 bytes, big-endian and signed, of SHA-256 over namespace, NUL and key; neither can contain a NUL.
 *
 * Processes of different versions must agree on it for ever: `test/key-hash.test.ts` pins it. Keys of one hash wait for each other's
 * transitions and are told apart by their text.
 */
export function keyHash(namespace: string, key: string): bigint {
  // In one go and as text: an object for each hash, and a buffer for its bytes, cost several times as much.
  return BigInt.asIntN(64, BigInt(`0x${hash("sha256", `${namespace}\0${key}`).slice(0, 16)}`));
}
