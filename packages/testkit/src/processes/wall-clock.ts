/** Makes the wall clock of this process wrong, so that a provider which goes by it is found out. */
export function shiftClock(milliseconds: number): void {
  if (milliseconds === 0) return;
  const now = Date.now.bind(Date);
  const wrong = (): number => now() + milliseconds;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [wrong()] : args, newTarget) as object,
    get: (target, name, receiver) =>
      name === "now" ? wrong : (Reflect.get(target, name, receiver) as unknown),
  });
}
