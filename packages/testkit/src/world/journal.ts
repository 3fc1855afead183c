/** What was done and seen in a case, in order: the story that a failure is told with. */
export interface Journal {
  /** `at` in nanoseconds of the monotonic clock; default: now. */
  readonly note: (who: string, what: string, at?: bigint) => void;
  readonly lines: () => readonly string[];
}

export function openJournal(): Journal {
  const start = process.hrtime.bigint();
  const entries: { readonly at: bigint; readonly told: string }[] = [];
  return {
    note: (who, what, at = process.hrtime.bigint()) => {
      entries.push({ at, told: `${who}: ${what}` });
    },
    lines: () => {
      // What another process tells is heard after it happened.
      const inOrder = [...entries].sort((one, other) => Number(one.at - other.at));
      return abridged(
        inOrder.map(({ at, told }) => {
          const milliseconds = (Number(at - start) / 1e6).toFixed(1);
          return `${milliseconds.padStart(8)} ms  ${told}`;
        }),
      );
    },
  };
}

/** How a long story begins, and how it ends. */
function abridged(lines: readonly string[]): readonly string[] {
  const [first, last] = [20, 60];
  const left = lines.length - first - last;
  return left <= 0 ? lines : [...lines.slice(0, first), `  … ${left} more …`, ...lines.slice(-last)];
}

const told = new Set<PropertyKey>([
  "execute",
  "acquire",
  "release",
  "releaseAll",
  "inspect",
  "close",
  "take",
  "renew",
  "cut",
  "stall",
  "resume",
  "refuse",
  "restore",
  "loseReply",
]);

/**
 * The same service or store; each of its calls, and what became of it, is noted. Once the case is `over` its calls don't
 * settle any more: nobody is there to hear how a failed case's waiters ended.
 */
export function recorded<T extends object>(service: T, who: string, journal: Journal, over: AbortSignal): T {
  let calls = 0;
  return new Proxy(service, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (!told.has(name)) return member.bind(target) as unknown;
      return (...args: unknown[]) => {
        const call = `${String(name)}#${++calls}`;
        journal.note(who, `${call}(${args.map(show).join(", ")})`);
        const result = new Promise<unknown>((resolve) => {
          resolve(member.apply(target, args));
        });
        return new Promise<unknown>((resolve, reject) => {
          result.then(
            (value) => {
              journal.note(who, `${call} → ${show(value)}`);
              if (!over.aborted) resolve(value);
            },
            (reason: unknown) => {
              journal.note(who, `${call} rejected: ${String(reason)}`);
              if (!over.aborted) reject(reason);
            },
          );
        });
      };
    },
  });
}

function show(value: unknown): string {
  if (typeof value === "function") return "job";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null)
    return typeof value === "string" ? JSON.stringify(value) : String(value);
  if ("assertHeld" in value) return "lock";
  if (value instanceof AbortSignal) return "signal";
  const inside = Object.entries(value).map(([name, member]) =>
    Array.isArray(value) ? show(member) : `${name}: ${show(member)}`,
  );
  return Array.isArray(value) ? `[${inside.join(", ")}]` : `{ ${inside.join(", ")} }`;
}
