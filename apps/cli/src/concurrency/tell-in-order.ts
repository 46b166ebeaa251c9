import { runInLanes, type LaneFailure, type LanePlan } from "./lanes.js";

/**
 * Runs a step for each item in lanes, and tells of what is done in the order of the items, as soon as all before it are done. After a failure what was done all the same is
 * told as well.
 *
 * @returns the failures in the order of the items
 */
export async function tellInOrder<T, R extends object | string>(
  items: readonly T[],
  plan: LanePlan<T>,
  step: (item: T) => Promise<R>,
  tell: (result: R) => void,
): Promise<readonly LaneFailure[]> {
  const waiting = new Map<number, R>();
  let next = 0;
  const failures = await runInLanes(items, plan, async (item, index) => {
    waiting.set(index, await step(item));
    for (let result = waiting.get(next); result !== undefined; result = waiting.get(next)) {
      waiting.delete(next);
      next += 1;
      tell(result);
    }
  });
  const rest = [...waiting].sort(([one], [other]) => one - other);
  for (const [, result] of rest) tell(result);
  return failures;
}
