import { createLocking } from "@lock/core";

// With nothing registered, the default provider is found by its name.
const locking = await createLocking();
const token = await locking.execute("prod_123", (lock) => lock.fencingToken, { timeout: 5 });
await locking.acquire("prod_123", { ownerId: "user_123", expire: 60 });
const freed = await locking.release("prod_123", { ownerId: "user_123" });
await locking.close();
console.log(typeof token, freed);
