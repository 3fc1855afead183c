/** It makes its table itself. Contenders open one after the other, so it is there for all but the first. */
export const verrouTable = { tableName: "verrou" } as const;
