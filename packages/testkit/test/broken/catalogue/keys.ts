import type { Claim, Release, ReleaseReply, TakeReply } from "@lock/core";
import type { Broken } from "../broken.ts";
import { ReferenceStore } from "../references/reference-store.ts";

type Change = (key: string) => string;

/** A store that takes keys for others than they are. */
function changing(change: Change): typeof ReferenceStore {
  const changed = <T extends { readonly keys: readonly string[] }>(one: T): T => ({
    ...one,
    keys: one.keys.map(change),
  });
  return class extends ReferenceStore {
    override takeOne(claim: Claim): TakeReply {
      return super.takeOne(changed(claim));
    }
    override releaseOne(release: Release): boolean {
      return super.releaseOne(changed(release));
    }
  };
}

/** What a key is, and what many of them are. */
export const keys: readonly Broken[] = [
  {
    defect: "keys are case-folded",
    rejectedBy: "keys: keys are case-sensitive",
    Store: changing((key) => key.toLowerCase()),
  },
  {
    defect: "keys are truncated",
    rejectedBy: "keys: 1,024 bytes of UTF-8 are allowed, and never truncated",
    Store: changing((key) => key.slice(0, 255)),
  },
  {
    defect: "keys are normalised",
    rejectedBy: "keys: keys are never normalised",
    Store: changing((key) => key.normalize("NFC")),
  },
  {
    defect: "keys lose the spaces at their ends",
    rejectedBy: "keys: no character is special: every key is its own lock",
    Store: changing((key) => key.trim()),
  },
  {
    defect: "keys are patterns where they are released",
    rejectedBy: "keys: no character is special: releasing a key frees no other",
    Store: class extends ReferenceStore {
      override freeKey(key: string, ownerId: string | null): boolean {
        const literal = key.replaceAll(/[^\w*?]/g, (character) => `\\${character}`);
        const like = new RegExp(`^${literal.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        const held = [...this.grants.values()].flatMap((grant) => [...grant.keys]);
        return held.filter((one) => like.test(one) && super.freeKey(one, ownerId)).length > 0;
      }
    },
  },
  {
    defect: "of many keys the free ones are taken, though not all are",
    rejectedBy: "keys: many keys are taken all or none",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        const reply = super.takeOne(claim);
        if (reply.status !== "busy") return reply;
        const free = claim.keys.filter((key) => this.fits(claim, key));
        if (free.length > 0) this.grant({ ...claim, keys: free });
        return reply;
      }
    },
  },
  {
    defect: "many keys are taken one by one, in the order in which the caller names them",
    rejectedBy: "keys: calls with overlapping keys never deadlock, whatever order they come in",
    Store: class extends ReferenceStore {
      override takeOne(claim: Claim): TakeReply {
        if (!claim.wait || claim.keys.length === 1) return super.takeOne(claim);
        let reply!: TakeReply;
        for (const [n, key] of claim.keys.entries()) {
          reply = super.takeOne({ ...claim, id: `${claim.id}.${n}`, keys: [key] });
          if (reply.status !== "granted") return { status: "queued", ticket: 0, checkIn: 10 };
        }
        return { ...reply, grantId: claim.id } as TakeReply;
      }
      override release(releases: readonly Release[]): ReleaseReply[] {
        return releases.map((release) => {
          if (release.by === "owner" || release.keys.length === 1) return super.release([release])[0]!;
          const id = release.by === "grant" ? release.grantId : release.claimId;
          const freed = release.keys.map((key, n) => this.freeGrant(`${id}.${n}`, [key]));
          const [whole] = super.release([release]);
          return { ...whole!, freed: !freed.includes(false) };
        });
      }
    },
  },
];
