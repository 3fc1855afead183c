/** What is measured where nothing else is asked for, in the order of the tables. */
export const everydayParts = ["uncontended", "contended", "held", "renewing", "queue", "bytes"] as const;

/** What takes long and changes seldom, of PostgreSQL: measured where it is asked for by name. */
const rareParts = ["growth", "neighbours"] as const;

export type Part = (typeof everydayParts | typeof rareParts)[number];

export const parts: readonly Part[] = [...everydayParts, ...rareParts];
