/** The colours of the picture, as the style sheet has them for this colour scheme. */
export type Palette = Readonly<Record<(typeof names)[number], string>>;

const names = [
  "ink",
  "soft",
  "line",
  "lane",
  "panel",
  "hold",
  "hold-ink",
  "look",
  "wait",
  "alone",
  "clash",
  "dead",
  "frozen",
  "mono",
] as const;

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Palette;
}
