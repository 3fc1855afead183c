/** What is measured, in the order of the tables. */
export const parts = ["uncontended", "contended", "held", "renewing", "queue", "bytes"] as const;

export type Part = (typeof parts)[number];
