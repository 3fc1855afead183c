/**
 * The names of what is stored on the server.
 *
 * All of a bucket's names begin with `<namespace>{<bucket>}`: the braces are a hash tag, so that a bucket is one slot of a
 * cluster and a script may touch all of it. What follows the tag is one letter, a colon and the user's key, owner or
 * claim id as it is, to the end of the name; so no character of them needs escaping. Braces of the namespace do, or they
 * would be the tag; so namespaces never meet: one ends where the first brace begins.
 */
export class KeyLayout {
  /** The counter of tokens and tickets, and the beginning of every other name. */
  readonly base: string;
  readonly #place: string;

  /** `place`: what the server keeps apart though names are the same, as a database; "" for the usual one. */
  constructor(namespace: string, bucket = 0, place = "") {
    this.#place = place;
    this.base = `${namespace.replace(/[%{}]/g, encodeURIComponent)}{${bucket}}`;
  }

  holders(key: string): string {
    return `${this.base}h:${key}`;
  }

  /** When the holders end, where several may hold the key. */
  ends(key: string): string {
    return `${this.base}e:${key}`;
  }

  /** Whether the key has a queue. */
  mark(key: string): string {
    return `${this.base}m:${key}`;
  }

  tombstone(claimId: string): string {
    return `${this.base}t:${claimId}`;
  }

  /** The newest token that a `releaseAll` of everything freed. */
  get floor(): string {
    return `${this.base}f`;
  }

  /** The keys that are held without end, or may be held by several. */
  get unbounded(): string {
    return `${this.base}i`;
  }

  /** The keys that are waited for. */
  get awaited(): string {
    return `${this.base}z`;
  }

  /** What one owner holds. */
  owner(ownerId: string): string {
    return `${this.base}o:${ownerId}`;
  }

  /** The server that the counter was last used on. */
  get server(): string {
    return `${this.base}r`;
  }

  /** How many buckets the namespace has; in the first of them. */
  get shards(): string {
    return `${this.base}n`;
  }

  /** What is written for replicas to catch up with. */
  get written(): string {
    return `${this.base}c`;
  }

  /** A name under which nothing is ever stored. */
  get nothing(): string {
    return `${this.base}!`;
  }

  /** Which process hands the lock on among its own callers, and wants to hear of others who wait. */
  stand(key: string): string {
    return `${this.base}x:${key}`;
  }

  /** The channel on which one process hears of its grants. */
  channel(instance: string): string {
    return `${this.base}@${instance}`;
  }

  /** That for what concerns all. Channels are the same in all databases of a server, and are behind no prefix for keys. */
  get everybody(): string {
    return `${this.base}@${this.#place}`;
  }
}
