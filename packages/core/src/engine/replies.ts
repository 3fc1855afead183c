import type { Handover, ReleaseReply, RenewReply, TakeReply } from "../contract/lock-store.ts";

// What a store gives is looked at, since a third party's may not keep to the types: a time that is none would never come,
// which is a lock without end, and an appointment that all others wait behind.

export function isTakeReply(reply: TakeReply): boolean {
  switch (reply.status) {
    case "granted":
      return isGrant(reply);
    case "queued":
      return typeof reply.ticket === "number" && isTime(reply.checkIn);
    case "busy":
      return isTime(reply.freeIn);
    case "withdrawn":
      return true;
    default:
      return false;
  }
}

export function isGrant({ grantId, token, remaining }: Extract<TakeReply, { status: "granted" }>): boolean {
  return typeof grantId === "string" && isTime(remaining) && isToken(token);
}

export function isHandover({ grantId, token, remaining }: Handover): boolean {
  return (grantId === undefined || typeof grantId === "string") && isTime(remaining) && isToken(token);
}

export function isRenewReply(reply: RenewReply): boolean {
  return reply.status === "lost" || (reply.status === "renewed" && isTime(reply.remaining));
}

export function isReleaseReply(reply: ReleaseReply): boolean {
  return reply.status === "released" && typeof reply.freed === "boolean";
}

/** Milliseconds, maybe without end. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(value);
}

function isToken(value: unknown): boolean {
  return Number.isSafeInteger(value) || typeof value === "bigint" || value == null;
}
