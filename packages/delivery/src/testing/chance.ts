import type { Random } from "@hawser/runtime";

/** Draws of one seeded source. */
export class Chance {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  happens(probability: number): boolean {
    return this.random.next() < probability;
  }

  between(low: number, high: number): number {
    return low + this.random.next() * (high - low);
  }

  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }
}
