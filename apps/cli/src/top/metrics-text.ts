/** One sample of the text format of Prometheus. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of these metrics; comments and others are passed over. */
export function parseMetrics(text: string, names: ReadonlySet<string>): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name = "", labels = "", value = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (names.has(name))
      samples.push({ name, labels: parseLabels(labels), value: Number(value.replace("Inf", "Infinity")) });
  }
  return samples;
}

function parseLabels(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, value.replace(/\\(.)/g, "$1")]));
}

/** Upper bounds with how many were at or below each, as a Prometheus histogram counts. */
export type Buckets = ReadonlyMap<number, number>;

/** The bound below which so much of what was counted lies; undefined when nothing was. */
export function quantile(buckets: Buckets, share: number): number | undefined {
  const bounds = [...buckets].sort(([one], [other]) => one - other);
  const total = bounds.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  let lower = 0;
  let below = 0;
  for (const [bound, count] of bounds) {
    if (count >= share * total) {
      if (bound === Number.POSITIVE_INFINITY || count === below) return lower;
      // Within a bucket as if it were filled evenly.
      return lower + ((bound - lower) * (share * total - below)) / (count - below);
    }
    lower = bound;
    below = count;
  }
  return lower;
}
