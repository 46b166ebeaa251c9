import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import { createDeliveryStream } from "./delivery-stream.js";

interface Numbered {
  readonly number: number;
}

/** What became of each delivery, in order of its end. */
function hand(stream: ReturnType<typeof createDeliveryStream<Numbered>>, ...numbers: number[]): string[] {
  const ends: string[] = [];
  for (const number of numbers)
    stream.handler({ number }).then(
      () => ends.push(`${number} applied`),
      () => ends.push(`${number} refused`),
    );
  return ends;
}

/** Long enough for everything that is settled to be told. */
async function turn(): Promise<void> {
  for (let step = 0; step < 20; step += 1) await Promise.resolve();
}

describe("a loop over deliveries", () => {
  it("applies each when it comes back for the next", async () => {
    const stream = createDeliveryStream<Numbered>();
    const loop = stream[Symbol.asyncIterator]();
    const ends = hand(stream, 1, 2);
    expect(await loop.next()).toMatchObject({ done: false, value: { number: 1 } });
    await turn();
    expect(ends).toEqual([]);
    expect(await loop.next()).toMatchObject({ done: false, value: { number: 2 } });
    await turn();
    expect(ends).toEqual(["1 applied"]);
    const third = loop.next();
    await turn();
    expect(ends).toEqual(["1 applied", "2 applied"]);
    hand(stream, 3);
    expect(await third).toMatchObject({ done: false, value: { number: 3 } });
  });

  it("refuses what it leaves in the middle; another loop goes on", async () => {
    const stream = createDeliveryStream<Numbered>();
    const ends = hand(stream, 1, 2);
    for await (const { number } of stream) if (number === 1) break;
    await turn();
    expect(ends).toEqual(["1 refused"]);
    await expect(
      (async () => {
        for await (const { number } of stream) throw new Error(`no ${number}`);
      })(),
    ).rejects.toThrow("no 2");
    expect(ends).toEqual(["1 refused", "2 refused"]);
  });

  it("ends when it is closed, and refuses what waits and what comes", async () => {
    const stream = createDeliveryStream<Numbered>();
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    stream.close();
    expect(await first).toEqual({ done: true, value: undefined });
    const ends = hand(stream, 1);
    await turn();
    expect(ends).toEqual(["1 refused"]);
    const other = createDeliveryStream<Numbered>();
    const waits = hand(other, 1, 2);
    other.close();
    await turn();
    expect(waits).toEqual(["1 refused", "2 refused"]);
  });

  it("has the context of each delivery at hand, over awaits and after the loop has gone on", async () => {
    const where = new AsyncLocalStorage<string>();
    const stream = createDeliveryStream<Numbered>();
    for (const number of [1, 2, 3]) void where.run(`delivery ${number}`, () => hand(stream, number));
    const seen: unknown[] = [];
    const kept: (() => unknown)[] = [];
    await where.run("loop", async () => {
      for await (const { number, run } of stream) {
        await run(async () => {
          await turn();
          seen.push([number, where.getStore()]);
        });
        seen.push(where.getStore());
        kept.push(() => run(() => where.getStore()));
        if (number === 3) break;
      }
    });
    expect(seen).toEqual([1, 2, 3].flatMap((number) => [[number, `delivery ${number}`], "loop"]));
    expect(kept.map((each) => each())).toEqual(["delivery 1", "delivery 2", "delivery 3"]);
  });

  it("is for one reader", async () => {
    const stream = createDeliveryStream<Numbered>();
    void stream[Symbol.asyncIterator]().next();
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "invalid_state" });
  });
});
