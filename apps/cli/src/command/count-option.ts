import { InvalidArgumentError } from "commander";

const MAX_COUNT = 64;

/** How many at once: 1 to 64. */
export function parseCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_COUNT) return count;
  throw new InvalidArgumentError(`give a number from 1 to ${MAX_COUNT}`);
}
