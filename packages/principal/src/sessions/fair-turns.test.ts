import { SteppedLoop } from "@hawser/testkit";
import { expect, test } from "vitest";
import { FairTurns, type Turn } from "./fair-turns.js";

const LIMITS = { messages: 10, bytes: 1_000, ms: 2, resumed: 2 };

/** Sends whenever it is read. */
class Flooder {
  readonly turn: Turn;
  isPaused = false;
  served = 0;
  readonly #turns: FairTurns;

  constructor(turns: FairTurns) {
    this.#turns = turns;
    this.turn = turns.newTurn();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  flood(bytes = 1, work = (): void => {}): void {
    while (!this.isPaused) {
      work();
      this.served += 1;
      this.#turns.served(this.turn, this, bytes);
    }
  }
}

test("a connection is served its share of a turn, in messages or in bytes, and then waits", () => {
  const loop = new SteppedLoop();
  const turns = new FairTurns(loop, LIMITS);
  const [one, other] = [new Flooder(turns), new Flooder(turns)];
  one.flood();
  other.flood(400);
  expect([one.served, other.served]).toEqual([10, 3]);
  loop.endTurn();
  expect([one.isPaused, other.isPaused]).toEqual([false, false]);
});

test("messages that take long end the turn of their connection sooner", () => {
  const loop = new SteppedLoop();
  const turns = new FairTurns(loop, LIMITS);
  const one = new Flooder(turns);
  one.flood(1, () => (loop.nowMs += 0.5));
  expect(one.served).toBe(5);
  loop.endTurn();
  one.flood();
  expect(one.served).toBe(15);
});

test("whoever has held back messages, and waits again as it goes on, has one turn in each", () => {
  const loop = new SteppedLoop();
  const turns = new FairTurns(loop, LIMITS);
  const held = new Flooder(turns);
  held.resume = () => {
    held.isPaused = false;
    held.flood();
  };
  held.flood();
  loop.endTurn();
  expect(held.served).toBe(20);
});

test("those that wait go on in turn, few at once, and who sends little never waits", () => {
  const loop = new SteppedLoop();
  const turns = new FairTurns(loop, LIMITS);
  const flooders = Array.from({ length: 6 }, () => new Flooder(turns));
  const quiet = new Flooder(turns);
  for (let turn = 0; turn < 9; turn += 1) {
    for (const each of flooders) each.flood();
    turns.served(quiet.turn, quiet, 1);
    expect(quiet.isPaused).toBe(false);
    loop.endTurn();
    expect(flooders.filter((each) => !each.isPaused)).toHaveLength(2);
  }
  const served = flooders.map((each) => each.served);
  expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(LIMITS.messages);
});

test("who has ended is not resumed", () => {
  const loop = new SteppedLoop();
  const turns = new FairTurns(loop, LIMITS);
  const gone = new Flooder(turns);
  gone.flood();
  turns.forget(gone.turn);
  loop.endTurn();
  expect(gone.isPaused).toBe(true);
});
