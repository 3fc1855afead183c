import type { Claim, TakeReply } from "@lock/core";
import { knownHash } from "../key-hash.ts";
import { readHandovers, type Handovers } from "./handovers.ts";
import { milliseconds, RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0014_prior_chain.sql`. */
export const takeSignature = "locking_take(text,text,bigint[],text[],json)";

/** The same for one claim of one key: `migrations/0015_quick_rows.sql`. */
export const takeOneSignature =
  "locking_take_one(text,text,bigint,text,text,text,text,double precision,double precision,boolean,boolean,bigint)";

const columns = "n, outcome, id, fence, place, ms, owner";
// After the grants are written: whether the sessions that they name are alive. One that has ended in the server may seem open here.
const text = `SELECT ${columns}, (SELECT bool_and(locking_alive(s.id)) FROM unnest($6::bigint[]) AS s(id)) FROM locking_take($1, $2, $3, $4, $5)`;
const textOfOne = `SELECT ${columns}, locking_alive($12) FROM locking_take_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

/** A claim that is asked for by rows. */
export interface RowClaim extends Claim {
  /** The number of the session that its grant is to live with, instead of a lease. */
  readonly session?: bigint | undefined;
}

export function takeCall(namespace: string, channel: string | null, claims: readonly RowClaim[]): Call {
  const [one] = claims;
  if (claims.length === 1 && one?.keys.length === 1) return takeOneCall(namespace, channel, one);
  const keys = new RequestKeys(namespace, claims);
  const wanted = new Set<string>();
  const requests = claims.map((claim, n) => {
    const [key] = claim.keys as [string];
    const solo = claim.keys.length === 1 && !wanted.has(key) ? keys.placeOf(key) : null;
    for (const each of claim.keys) wanted.add(each);
    return {
      n,
      id: claim.id,
      solo,
      keys: solo === null ? keys.placesOf(claim.keys) : undefined,
      owner: claim.ownerId ?? undefined,
      kind: claim.kind,
      permits: milliseconds(claim.limit),
      lease: milliseconds(claim.lease),
      keep: claim.keepLease,
      wait: claim.wait,
      session: claim.session === undefined ? undefined : String(claim.session),
    };
  });
  return {
    name: "locking_take",
    text,
    values: [namespace, channel, keys.hashes, keys.keys, JSON.stringify(requests), sessionsOf(claims)],
  };
}

function sessionsOf(claims: readonly RowClaim[]): string[] {
  const named = new Set<string>();
  for (const { session } of claims) if (session !== undefined) named.add(String(session));
  return [...named];
}

function takeOneCall(namespace: string, channel: string | null, claim: RowClaim): Call {
  const [key] = claim.keys as [string];
  const { id, ownerId, kind, limit, lease, keepLease, wait, session } = claim;
  return {
    name: "locking_take_one",
    text: textOfOne,
    values: [
      namespace,
      channel,
      knownHash(namespace, key).text,
      key,
      id,
      ownerId,
      kind,
      limit,
      lease,
      keepLease,
      wait,
      session === undefined ? null : String(session),
    ],
  };
}

export function readTakeReplies(
  claims: readonly RowClaim[],
  rows: readonly Row[],
): { replies: TakeReply[]; handovers: Handovers } {
  const replies = new Array<TakeReply | undefined>(claims.length).fill(undefined);
  const plain = new Map<string, bigint>();
  const others: Row[] = [];
  for (const row of rows) {
    const [n, outcome, id, fence] = row;
    if (outcome === "plain") plain.set(id as string, BigInt(fence as string));
    else if (n === null || n === undefined) others.push(row.slice(1));
    else replies[Number(n)] = readReply(row);
  }
  const ended = rows.some((row) => row[7] === "f");
  return {
    replies: claims.map((claim, n) => {
      if (ended && claim.session !== undefined) return { status: "failed", error: new SessionEnded() };
      const reply = replies[n];
      if (reply !== undefined) return reply;
      const token = plain.get(claim.id);
      if (token === undefined) throw new Error(`PostgreSQL left the claim ${claim.id} unanswered`);
      return { status: "granted", grantId: claim.id, token, remaining: claim.lease };
    }),
    handovers: readHandovers(others),
  };
}

/** A session that a claim was to live with is over in the server: what was granted does not count. */
export class SessionEnded extends Error {
  constructor() {
    super("A session that locks were to live with has ended");
  }
}

function readReply([, outcome, id, fence, place, ms, owner]: Row): TakeReply {
  switch (outcome) {
    case "granted":
      return {
        status: "granted",
        grantId: id as string,
        token: BigInt(fence as string),
        remaining: Number(ms),
      };
    case "queued":
      return { status: "queued", ticket: Number(place), checkIn: Number(ms) };
    case "busy":
      return { status: "busy", ownerId: owner ?? null, freeIn: Number(ms) };
    case "withdrawn":
      return { status: "withdrawn" };
    default:
      throw new Error(`PostgreSQL answered a claim with "${outcome}"`);
  }
}
