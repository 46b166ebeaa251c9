import { describe, expect, it } from "vitest";
import { createDeliveryStream } from "./delivery-stream.js";

/** What became of each delivery, in order of its end. */
function hand(stream: ReturnType<typeof createDeliveryStream<number>>, ...numbers: number[]): string[] {
  const ends: string[] = [];
  for (const number of numbers)
    stream.handler(number).then(
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
    const stream = createDeliveryStream<number>();
    const loop = stream[Symbol.asyncIterator]();
    const ends = hand(stream, 1, 2);
    expect(await loop.next()).toEqual({ done: false, value: 1 });
    await turn();
    expect(ends).toEqual([]);
    expect(await loop.next()).toEqual({ done: false, value: 2 });
    await turn();
    expect(ends).toEqual(["1 applied"]);
    const third = loop.next();
    await turn();
    expect(ends).toEqual(["1 applied", "2 applied"]);
    hand(stream, 3);
    expect(await third).toEqual({ done: false, value: 3 });
  });

  it("refuses what it leaves in the middle; another loop goes on", async () => {
    const stream = createDeliveryStream<number>();
    const ends = hand(stream, 1, 2);
    for await (const number of stream) if (number === 1) break;
    await turn();
    expect(ends).toEqual(["1 refused"]);
    await expect(
      (async () => {
        for await (const number of stream) throw new Error(`no ${number}`);
      })(),
    ).rejects.toThrow("no 2");
    expect(ends).toEqual(["1 refused", "2 refused"]);
  });

  it("ends when it is closed, and refuses what waits and what comes", async () => {
    const stream = createDeliveryStream<number>();
    const loop = stream[Symbol.asyncIterator]();
    const first = loop.next();
    stream.close();
    expect(await first).toEqual({ done: true, value: undefined });
    const ends = hand(stream, 1);
    await turn();
    expect(ends).toEqual(["1 refused"]);
    const other = createDeliveryStream<number>();
    const waits = hand(other, 1, 2);
    other.close();
    await turn();
    expect(waits).toEqual(["1 refused", "2 refused"]);
  });

  it("is for one reader", async () => {
    const stream = createDeliveryStream<number>();
    void stream[Symbol.asyncIterator]().next();
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow("one loop at a time");
  });
});
