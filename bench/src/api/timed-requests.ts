import { pause, systemClock, systemTimers } from "@hawser/runtime";

export interface Timed {
  readonly what: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytes: number;
}

export interface RequestPlan {
  readonly what: string;
  readonly url: string;
  readonly count: number;
  /** Between two of them; longer than a snapshot of the fleet lives, each finds none. @default 0 */
  readonly pauseMs?: number;
}

/** Asks the same again and again, one request after the other, and reads the whole answer. @throws Error for an answer that is none */
export async function timeRequests({ what, url, count, pauseMs = 0 }: RequestPlan): Promise<Timed> {
  const took: number[] = [];
  let bytes = 0;
  for (let sent = 0; sent < count; sent += 1) {
    if (pauseMs > 0) await pause(systemTimers, pauseMs);
    const from = systemClock.now();
    const response = await fetch(url);
    bytes = (await response.arrayBuffer()).byteLength;
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
    took.push(systemClock.now() - from);
  }
  return { what, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99), bytes };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
