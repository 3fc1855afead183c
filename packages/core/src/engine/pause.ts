/**
 * Milliseconds to pause after `tries` tries: doubling from `first` up to `longest`, with the upper half of it left to
 * chance so that those who failed together don't ask together ("equal jitter", M. Brooker, AWS Architecture Blog, 2015).
 *
 * @param random - from 0 up to 1.
 */
export function pauseAfter(tries: number, first: number, longest: number, random: number): number {
  const ceiling = Math.min(longest, first * 2 ** Math.min(tries, 30));
  return tries === 0 ? ceiling : ceiling / 2 + (ceiling / 2) * random;
}
