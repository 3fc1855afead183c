import { createHash } from "node:crypto";

/**
 * The two halves of 64 bits, as the server's functions for advisory locks with two numbers take them: the class of what is held, apart from
 * the class of transitions, which takes all 64 as one number (`migrations/0007_session_queue.sql`).
 */
export function halves(number: bigint): readonly [high: number, low: number] {
  return [Number(BigInt.asIntN(32, number >> 32n)), Number(BigInt.asIntN(32, number))];
}

/** What all lock sessions of a namespace hold together, so that they are found. No key has it: keys are hashed after their namespace, which is never empty. */
export function namespaceMark(namespace: string): bigint {
  return createHash("sha256").update(`\0sessions\0${namespace}`).digest().readBigInt64BE(0);
}
