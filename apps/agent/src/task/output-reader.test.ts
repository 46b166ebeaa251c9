import { PassThrough } from "node:stream";
import { systemTimers, type Clock, type Timer, type Timers } from "@hawser/runtime";
import { expect, it } from "vitest";
import { OutputReader } from "./output-reader.js";
import { OutputTail } from "./output-tail.js";

/** Time that passes when the test says so. */
class HandTime implements Clock, Timers {
  #now = 0;
  #due: { readonly atMs: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.#now + delayMs, run };
    this.#due.push(entry);
    return {
      cancel: () => {
        this.#due = this.#due.filter((each) => each !== entry);
      },
    };
  }

  soon(run: () => void): Timer {
    return this.after(0, run);
  }

  pass(ms: number): void {
    this.#now += ms;
    const due = this.#due.filter(({ atMs }) => atMs <= this.#now);
    this.#due = this.#due.filter(({ atMs }) => atMs > this.#now);
    for (const { run } of due) run();
  }
}

function make(bytesPerSecond: number) {
  const time = new HandTime();
  const stream = new PassThrough({ highWaterMark: 10 });
  let slowed = 0;
  const tail = new OutputTail(100, () => {});
  const reader = new OutputReader({
    streams: [stream],
    tail,
    bytesPerSecond,
    clock: time,
    timers: time,
    slowed: () => {
      slowed += 1;
    },
  });
  return { time, stream, tail, reader, slowed: () => slowed };
}

/** Lets streams hand on what they hold. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    systemTimers.soon(resolve);
  });

it("reads a second's worth at once, then as much as a second gives, and says once that it slows", async () => {
  const { time, stream, tail, slowed } = make(10);
  for (let line = 0; line < 8; line += 1) stream.write(`line${line}\n`);
  await turn();
  expect(tail.lines).toEqual(["line0", "line1"]);
  expect(slowed()).toBe(1);
  time.pass(100);
  await turn();
  expect(tail.lines).toHaveLength(2);
  time.pass(200);
  await turn();
  expect(tail.lines).toEqual(["line0", "line1", "line2"]);
  for (let second = 0; second < 10; second += 1) {
    time.pass(1_000);
    await turn();
  }
  expect(tail.lines).toHaveLength(8);
  expect(slowed()).toBe(1);
});

it("does not save up for a burst longer than a second", async () => {
  const { time, stream, tail } = make(10);
  time.pass(3_600_000);
  for (let line = 0; line < 8; line += 1) stream.write(`line${line}\n`);
  await turn();
  expect(tail.lines).toHaveLength(2);
});

it("reads what is left at once when the process has ended", async () => {
  const { stream, tail, reader } = make(10);
  for (let line = 0; line < 8; line += 1) stream.write(`line${line}\n`);
  stream.end("last");
  await turn();
  reader.finish();
  await turn();
  expect(tail.lines.at(-1)).toBe("last");
  expect(tail.lines).toHaveLength(9);
});
