/** One change to one line of a file. */
export interface Mutant {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

type Swap = readonly [of: RegExp, write: string | ((found: string) => string)];

const more = (found: string): string => String(Number(found) + 1);

const lua: readonly Swap[] = [
  [/==/g, "~="],
  [/~=/g, "=="],
  [/(?<![<>~=])<(?!=)/g, "<="],
  [/<=/g, "<"],
  [/(?<![<>~=-])>(?!=)/g, ">="],
  [/>=/g, ">"],
  [/\band\b/g, "or"],
  [/\bor\b/g, "and"],
  [/\bnot /g, ""],
  [/\bmath\.min\b/g, "math.max"],
  [/\bmath\.max\b/g, "math.min"],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
  [/(?<![\w.'$%{])\d+(?![\w.'])/g, more],
];

const sql: readonly Swap[] = [
  [/(?<![:<>=])=(?![>])/g, "<>"],
  [/<>/g, "="],
  [/(?<![<>-])<(?![=>])/g, "<="],
  [/(?<![<>-])>(?!=|>)/g, ">="],
  [/\bAND\b/g, "OR"],
  [/\bOR\b/g, "AND"],
  [/\bNOT (?!NULL|EXISTS \()/g, ""],
  [/\bleast\b/g, "greatest"],
  [/\bgreatest\b/g, "least"],
  [/\bmin\(/g, "max("],
  [/\bmax\(/g, "min("],
  [/\bbool_or\b/g, "bool_and"],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
  [/\bDESC\b/g, "ASC"],
  [/(?<![\w.'"$])\d+(?![\w.'"])/g, more],
];

/** A statement that stands on a line of its own. */
const luaStatement =
  /^\s*(?:redis\.call\(.*\)|table\.\w+\(.*\)|(?!local|return|if|for|while|end|else)[\w.]+(?:\[[^\]]*\])? = .*[^,{(]|\w+\(.*\))$/;
const sqlStatement = /^\s*(?!END|ELSE|CASE|IF |NULL;).*;$/;
const sqlCondition = /^\s*AND .*[^;(]$/;

/** The mutants of the Lua that stands in the templates of a TypeScript file. */
export function luaMutants(file: string, text: string): Mutant[] {
  let inside = false;
  return text.split("\n").flatMap((before, index) => {
    const begins = before.endsWith("lua`");
    const ends = before.startsWith("`");
    inside = begins || (inside && !ends);
    if (!inside || begins || before.trim().startsWith("--")) return [];
    const changed = swapped(before, lua);
    if (luaStatement.test(before)) changed.push("");
    return changed.map((after) => ({ file, line: index + 1, before, after }));
  });
}

/** The mutants of the bodies of a migration's functions, but for those that one of the migrations after it replaces. */
export function sqlMutants(file: string, text: string, after: readonly string[]): Mutant[] {
  const later = new Set(after.flatMap((one) => functionsOf(one).map(({ head }) => head)));
  const replaced = functionsOf(text).filter(({ head }) => later.has(head));
  let inside = false;
  return text.split("\n").flatMap((before, index) => {
    if (replaced.some(({ from, to }) => index >= from && index <= to)) return [];
    // Declarations stand between the beginning of a body and its BEGIN.
    if (/AS \$\$$|^BEGIN$/.test(before)) inside = true;
    else if (/^\$\$|^DECLARE$/.test(before)) inside = false;
    if (!inside || before.trim().startsWith("--") || /^BEGIN|AS \$\$$/.test(before)) return [];
    const changed = swapped(before, sql);
    if (sqlStatement.test(before) && balanced(before)) changed.push("NULL;");
    if (sqlCondition.test(before) && balanced(before)) changed.push("");
    return changed.map((after) => ({ file, line: index + 1, before, after }));
  });
}

/** What each function of a migration is called with, and the lines on which it stands. */
function functionsOf(text: string): { head: string; from: number; to: number }[] {
  const lineAt = (at: number): number => text.slice(0, at).split("\n").length - 1;
  return [...text.matchAll(/^CREATE OR REPLACE FUNCTION ([^]*?)LANGUAGE[^]*?^\$\$/gm)].map((found) => ({
    head: found[1]!.replaceAll(/\s+/g, " "),
    from: lineAt(found.index),
    to: lineAt(found.index + found[0].length),
  }));
}

function swapped(line: string, swaps: readonly Swap[]): string[] {
  return swaps.flatMap(([of, write]) =>
    [...line.matchAll(of)].map((found) => {
      const put = typeof write === "string" ? write : write(found[0]);
      return line.slice(0, found.index) + put + line.slice(found.index + found[0].length);
    }),
  );
}

function balanced(line: string): boolean {
  return line.split("(").length === line.split(")").length;
}
