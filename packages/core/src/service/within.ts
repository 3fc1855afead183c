/** What `work` comes to, or an error that says `overdue` after this many milliseconds; `Infinity`: however long it takes. */
export async function within<T>(milliseconds: number, work: PromiseLike<T>, overdue: string): Promise<T> {
  if (milliseconds === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const until = performance.now() + milliseconds;
  const late = new Promise<never>((_resolve, reject) => {
    const watch = (): void => {
      const left = Math.ceil(until - performance.now());
      if (left <= 0) return reject(new Error(overdue));
      // Longer than a timer's range would ring at once: looked at again when it rings.
      timer = setTimeout(watch, Math.min(left, 2 ** 31 - 1));
    };
    watch();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
