import type { Contender } from "../contender.ts";
import { asyncLock } from "./memory/async-lock.ts";
import { asyncMutex } from "./memory/async-mutex.ts";
import { lockContenders } from "./memory/lock.ts";
import { raw } from "./memory/raw.ts";
import { verrou } from "./memory/verrou.ts";

export const memoryContenders: readonly Contender[] = [...lockContenders, raw, asyncLock, asyncMutex, verrou];
