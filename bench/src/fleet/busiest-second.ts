/** The most of these moments (Unix milliseconds) that lie within any one second, wherever it begins. */
export function busiestSecond(moments: readonly number[]): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let busiest = 0;
  let from = 0;
  for (const [to, moment] of sorted.entries()) {
    while (moment - (sorted[from] ?? moment) >= 1_000) from += 1;
    busiest = Math.max(busiest, to - from + 1);
  }
  return busiest;
}
