import type { Random } from "@hawser/runtime";

/** An integer of `min` to `max`, both included. */
export function integer(random: Random, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1));
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

export function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[integer(random, 0, from.length - 1)] ?? from[0];
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

export function bytes(random: Random, max: number): Buffer {
  return Buffer.from(times(integer(random, 0, max), () => integer(random, 0, 255)));
}
