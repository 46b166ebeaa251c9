/** What several rounds gave. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  return {
    median: (at(Math.floor(half)) + at(Math.ceil(half))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** To so many significant digits, for what people read. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}

export function roundedSpread(values: readonly number[]): Spread {
  const { median, min, max } = spreadOf(values);
  return { median: rounded(median), min: rounded(min), max: rounded(max) };
}
