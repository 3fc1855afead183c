import { createHash } from "node:crypto";

/** A Lua script as the server knows it. */
export interface Script {
  readonly text: string;
  /** By what EVALSHA names it. */
  readonly sha: string;
}

/** One call of a script: what its header says of keys and arguments. */
export interface ScriptCall {
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** Composes a script of named fragments, in the order given. */
export function composeScript(...fragments: readonly string[]): Script {
  const text = fragments.join("\n");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
