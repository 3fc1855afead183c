/** What `work` comes to, or an error that says `overdue` after this many milliseconds; `Infinity`: however long it takes. */
export async function within<T>(milliseconds: number, work: PromiseLike<T>, overdue: string): Promise<T> {
  if (milliseconds === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    // Longer than a timer's range would ring at once.
    timer = setTimeout(() => reject(new Error(overdue)), Math.min(milliseconds, 2 ** 31 - 1));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
