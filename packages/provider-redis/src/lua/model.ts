import { clock } from "./clock.ts";
import { granting } from "./granting.ts";
import { handOver } from "./hand-over.ts";
import { holders } from "./holders.ts";
import { indexUpkeep } from "./index-upkeep.ts";
import { standing } from "./standing.ts";
import { waiters } from "./waiters.ts";
import { writeDown } from "./write-down.ts";

/** What stands before the model. */
export const ground: string = [clock, indexUpkeep].join("\n");

/**
 * What every script that changes something is made with. It reads holders and queues as they are needed, changes them in
 * Lua tables only, and writes all of it at the end by `write_down()`: every key is read before the first is written, so a script
 * that can't go on (a slot that moves, a foreign value) has changed nothing.
 */
export const model: string = [holders, waiters, standing, granting, handOver, writeDown].join("\n");
