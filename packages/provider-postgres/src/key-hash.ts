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

export interface KeyHash {
  readonly number: bigint;
  /** As parameters are written. */
  readonly text: string;
}

/** Who takes a key gives it back, and often takes it again: the hashes of so many are remembered, each of at most 1,300 bytes of text. */
const mostRemembered = 2_000;
const remembered = new Map<string, KeyHash>();

/** `keyHash`, computed once for keys that come again soon. */
export function knownHash(namespace: string, key: string): KeyHash {
  const name = `${namespace}\0${key}`;
  let known = remembered.get(name);
  if (known === undefined) {
    const number = keyHash(namespace, key);
    known = { number, text: String(number) };
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(name, known);
  }
  return known;
}
