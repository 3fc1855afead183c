/**
 * The bucket of a key. All processes that use a namespace must agree on it, of whatever version they are: so it never changes.
 * FNV-1a over UTF-16 units, which spreads short and alike names evenly.
 */
export function bucketOf(key: string, buckets: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) {
    const unit = key.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  // FNV's lowest bits are its weakest.
  return ((hash >>> 16) ^ (hash & 0xffff)) % buckets;
}
