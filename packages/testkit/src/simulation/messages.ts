import type { Claim, Release, ReleaseReply, Renewal, RenewReply, TakeReply } from "@lock/core";
import type { World } from "./world.ts";

/** Requests and answers in the words of a story. */
export function describeRequest(world: World, request: Claim | Renewal | Release): string {
  const keys = `[${request.keys.join(", ")}]`;
  if ("id" in request) {
    const owner = request.ownerId === null ? "" : ` for ${request.ownerId}`;
    const limit = request.limit === 1 ? "" : `, limit ${request.limit}`;
    const lease = `lease ${request.lease}${request.keepLease ? " unless it has one" : ""}`;
    return `take ${keys}${owner} for ${world.nameOf(request.id)}, ${lease}${limit}${request.wait ? ", or queue" : ""}`;
  }
  if ("lease" in request) return `renew ${world.nameOf(request.grantId)} ${keys} for ${request.lease}`;
  switch (request.by) {
    case "grant":
      return `release ${world.nameOf(request.grantId)} ${keys}${request.tombstone ? ", with a tombstone" : ""}`;
    case "claim":
      return `withdraw ${world.nameOf(request.claimId)} ${keys}${request.tombstone ? ", with a tombstone" : ""}`;
    case "owner":
      return `release ${keys} of ${request.ownerId ?? "nobody"}`;
  }
}

export function describeReply(world: World, reply: TakeReply | RenewReply | ReleaseReply): string {
  switch (reply.status) {
    case "granted":
      return `granted under ${world.nameOf(reply.grantId)}, token ${reply.token}, for ${reply.remaining}`;
    case "queued":
      return `queued, ticket ${reply.ticket}, check in ${reply.checkIn}`;
    case "released":
      return reply.freed ? "freed" : "nothing to free";
    case "renewed":
      return `renewed for ${reply.remaining}`;
    case "busy":
    case "withdrawn":
    case "lost":
    case "failed":
      return reply.status;
  }
}
