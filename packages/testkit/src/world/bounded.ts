import { setTimeout as pause } from "node:timers/promises";

/** Rejects when `promise` has not settled after `milliseconds`; `what` completes "… within 500 ms". */
export async function within<T>(milliseconds: number, what: string, promise: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Expected ${what} within ${milliseconds} ms`));
    }, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until the answer is yes, for at most `milliseconds`. */
export async function until(
  what: string,
  question: () => boolean | Promise<boolean>,
  milliseconds = 5_000,
): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!(await question())) {
    if (performance.now() > end) throw new Error(`Expected ${what} within ${milliseconds} ms`);
    await pause(5);
  }
}

/** Whether `promise` is still pending after `milliseconds`. */
export async function pendingAfter(milliseconds: number, promise: PromiseLike<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const settled = promise.then(
    () => undefined,
    () => undefined,
  );
  return (await Promise.race([settled, pause(milliseconds, pending)])) === pending;
}
