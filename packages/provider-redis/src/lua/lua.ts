/** Marks Lua text. Scripts are composed of named fragments; one that uses another's functions stands after it. */
export function lua(text: TemplateStringsArray, ...parts: readonly (string | number)[]): string {
  return String.raw(text, ...parts).trim() + "\n";
}
