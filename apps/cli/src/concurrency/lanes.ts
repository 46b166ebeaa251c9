/** Steps under way at once unless said otherwise: what a principal's disk takes together is committed together, and no more sockets are opened than a person's patience is worth. */
export const DEFAULT_AT_ONCE = 8;

export interface LanePlan<T> {
  /** Items of one lane go one after another, in their order. */
  laneOf(item: T, index: number): string | number;
  /** @default DEFAULT_AT_ONCE (8) */
  readonly atOnce?: number;
}

export interface LaneFailure {
  readonly index: number;
  readonly thrown: unknown;
}

/**
 * Runs a step for each item, as near to their order as the lanes let it. After a failure no step is begun any more, and those under way are waited for.
 *
 * @returns the failures in the order of the items
 */
export async function runInLanes<T>(
  items: readonly T[],
  { laneOf, atOnce = DEFAULT_AT_ONCE }: LanePlan<T>,
  step: (item: T, index: number) => Promise<void>,
): Promise<readonly LaneFailure[]> {
  const queue = new LaneQueue(items.map(laneOf));
  const failures: LaneFailure[] = [];
  async function work(): Promise<void> {
    for (let index = queue.take(); index !== undefined; index = queue.takeBehind(index)) {
      const item = items[index];
      if (item === undefined || failures.length > 0) return;
      try {
        await step(item, index);
      } catch (thrown) {
        failures.push({ index, thrown });
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return failures.sort((one, other) => one.index - other.index);
}

/** Which item may be begun next. An item whose lane is taken waits behind it, and the worker of that lane goes on with it. */
class LaneQueue {
  readonly #lanes: readonly (string | number)[];
  /** Indexes that wait, by lane; a lane that is there is taken. */
  readonly #taken = new Map<string | number, number[]>();
  #next = 0;

  constructor(lanes: readonly (string | number)[]) {
    this.#lanes = lanes;
  }

  /** The first item whose lane is free; undefined when there is none. */
  take(): number | undefined {
    for (; ; this.#next += 1) {
      const lane = this.#lanes[this.#next];
      if (lane === undefined) return undefined;
      const waiting = this.#taken.get(lane);
      if (waiting !== undefined) {
        waiting.push(this.#next);
        continue;
      }
      this.#taken.set(lane, []);
      this.#next += 1;
      return this.#next - 1;
    }
  }

  /** The item behind this one in its lane, or else the first whose lane is free. */
  takeBehind(index: number): number | undefined {
    const lane = this.#lanes[index];
    if (lane === undefined) return undefined;
    const waiting = this.#taken.get(lane)?.shift();
    if (waiting !== undefined) return waiting;
    this.#taken.delete(lane);
    return this.take();
  }
}
