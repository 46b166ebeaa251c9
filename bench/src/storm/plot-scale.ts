/** Pixels for values: `from` and `to` are where the least and the greatest value lie. */
export interface Scale {
  readonly least: number;
  readonly greatest: number;
  at(value: number): number;
}

export function linearScale(least: number, greatest: number, from: number, to: number): Scale {
  const perUnit = (to - from) / (greatest - least);
  return { least, greatest, at: (value) => round(from + (value - least) * perUnit) };
}

/** Round values, evenly spaced from the first one at or above `least`: at most so many that they can be read. */
export function ticks(least: number, greatest: number, most: number): readonly number[] {
  const step = roundStep((greatest - least) / most);
  const first = Math.ceil(least / step);
  const last = Math.floor(greatest / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** The least of 1, 2, 5, 10, 20, 50, ... that is not below. */
export function roundStep(wanted: number): number {
  const magnitude = 10 ** Math.max(0, Math.floor(Math.log10(wanted)));
  const factor = [1, 2, 5, 10].find((each) => each * magnitude >= wanted) ?? 10;
  return factor * magnitude;
}

/** A tenth of a pixel is as fine as anybody sees. */
function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}
