/** The same items, in order, by the area that each belongs to. */
export function groupByArea<T extends { readonly case: { readonly area: string } }>(
  items: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const areas = new Map<string, T[]>();
  for (const item of items) areas.set(item.case.area, [...(areas.get(item.case.area) ?? []), item]);
  return areas;
}
