/** How many moments (in seconds) lie in each whole second, by the second it begins with; seconds without any are left out. */
export function sessionsPerSecond(seconds: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const each of seconds) {
    const second = Math.floor(each);
    counts.set(second, (counts.get(second) ?? 0) + 1);
  }
  return counts;
}
