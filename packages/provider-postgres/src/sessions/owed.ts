import type { Awaitable, Release, ReleaseReply } from "@lock/core";

/**
 * Releases of what lives with a session that did not get through. No lease ends it, so it would be held for as long as this process lives
 * where the engine has given up: they are tried again until they succeed. They name their grant, so once more does no harm.
 */
export class Owed {
  readonly #releases = new Map<string, Release>();
  #paying = false;

  has(id: string): boolean {
    return this.#releases.has(id);
  }

  /** Notes what became of releases of which `due` are to get through. */
  note(due: readonly Release[], releases: readonly Release[], replies: readonly ReleaseReply[] | null): void {
    for (const release of due) {
      const reply = replies?.[releases.indexOf(release)];
      if (reply?.status === "released") this.#releases.delete(claimOf(release));
      else this.#releases.set(claimOf(release), release);
    }
  }

  /** Called now and then. */
  pay(release: (releases: readonly Release[]) => Awaitable<unknown>): void {
    if (this.#paying || this.#releases.size === 0) return;
    this.#paying = true;
    Promise.resolve(release([...this.#releases.values()]))
      .catch(() => {})
      .finally(() => {
        this.#paying = false;
      });
  }
}

/** The claim that a release frees; none where it is an owner's. */
export function claimOf(release: Release): string {
  if (release.by === "owner") return "";
  return release.by === "grant" ? release.grantId : release.claimId;
}
