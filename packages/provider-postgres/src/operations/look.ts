import { readHandovers, type Handovers } from "./handovers.ts";
import { RequestKeys, type Call, type Row } from "./request.ts";

/** `migrations/0010_session_bare.sql`. */
export const lookSignature = "locking_look(text,text,bigint[],text[])";

export function lookCall(namespace: string, channel: string | null, keys: readonly string[]): Call {
  const wanted = new RequestKeys(namespace, [{ keys }]);
  return {
    name: "locking_look",
    text: "SELECT outcome, id, fence, place, ms FROM locking_look($1, $2, $3, $4)",
    values: [namespace, channel, wanted.hashes, wanted.keys],
  };
}

export function readLookReply(rows: readonly Row[]): Handovers {
  return readHandovers(rows);
}
