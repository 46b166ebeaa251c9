import { seededRandom } from "@hawser/runtime";
import { expect, test } from "vitest";
import { DeadlineQueue, type Deadline } from "./deadline-queue.js";

test("the earliest deadline is first and stays until it is removed", () => {
  const queue = new DeadlineQueue<string>();
  const late = queue.add("late", 20);
  const early = queue.add("early", 10);
  expect(queue.first).toBe(early);
  expect(queue.first).toBe(early);
  queue.remove(early);
  expect(queue.first).toBe(late);
  queue.remove(late);
  expect(queue.first).toBeUndefined();
  expect(queue.size).toBe(0);
});

test("a deadline may be removed once, from its own queue", () => {
  const queue = new DeadlineQueue<string>();
  const other = new DeadlineQueue<string>();
  const deadline = queue.add("a", 1);
  expect(() => other.remove(deadline)).toThrow("not in");
  queue.remove(deadline);
  expect(() => queue.remove(deadline)).toThrow("not in");
});

// Removal fills the gap with a leaf of another branch, which may have to rise: only a mixed history finds a heap that forgets it.
test("after any mix of additions and removals, what is left comes out sorted", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seededRandom(seed);
    const queue = new DeadlineQueue<number>();
    const held = new Set<Deadline<number>>();
    for (let step = 0; step < 200; step += 1) {
      const victim = [...held][Math.floor(random.next() * held.size)];
      if (victim !== undefined && random.next() < 0.45) {
        queue.remove(victim);
        held.delete(victim);
      } else {
        held.add(queue.add(step, Math.floor(random.next() * 50)));
      }
    }
    const expected = [...held].map(({ atMs }) => atMs).sort((a, b) => a - b);
    const drained: number[] = [];
    for (let first = queue.first; first !== undefined; first = queue.first) {
      drained.push(first.atMs);
      queue.remove(first);
    }
    expect(drained, `seed ${seed}`).toEqual(expected);
  }
});
