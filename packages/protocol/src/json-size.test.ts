import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastJsonBytes, sizeOf, surelyFits } from "./json-size.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("surelyFits", () => {
  it("never says yes to what does not fit, whatever the JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(2_000), (value, bytes) => {
        const size = Buffer.byteLength(JSON.stringify(value));
        return !surelyFits(value, bytes) || size <= bytes;
      }),
    );
  });

  it("counts the longest escapes, the longest numbers and bytes as base64", () => {
    for (const value of [
      "\u0001".repeat(50),
      "\ud800".repeat(50),
      [-1.2345678901234567e-100],
      [true, null],
    ]) {
      const size = Buffer.byteLength(JSON.stringify(value));
      expect(surelyFits(value, size - 1)).toBe(false);
    }
    expect(surelyFits(new Uint8Array(300), 400)).toBe(false);
  });

  it("knows that an ordinary event is small", () => {
    expect(surelyFits({ id: "1", type: "com.example.run", data: { text: "x".repeat(300) } }, 10_000)).toBe(
      true,
    );
  });
});

describe("leastJsonBytes", () => {
  it("is never above the size, whatever the JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        return leastJsonBytes(value) <= Buffer.byteLength(JSON.stringify(value));
      }),
    );
  });

  it("is near it for what is large", () => {
    expect(leastJsonBytes({ data: "x".repeat(10_000) })).toBeGreaterThan(10_000);
    expect(leastJsonBytes(new Uint8Array(10_000))).toBe(10_000);
  });
});

describe("sizeOf", () => {
  const parsed = (item: string, count: number): unknown =>
    JSON.parse(`[${Array.from({ length: count }, () => item).join(",")}]`);

  it.each(["{}", "[]", "[0]", '{"":0}', "0", "1.5"])(
    "tells what many %s take in memory, within three times",
    (item) => {
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      const value = parsed(item, 100_000);
      collectGarbage();
      const taken = process.memoryUsage().heapUsed - before;
      expect(sizeOf(value).heapBytes).toBeGreaterThan(taken / 3);
      expect(sizeOf(value).heapBytes).toBeLessThan(taken * 3);
    },
  );

  it("counts a frame of empty objects as more than twenty times what it is on the wire", () => {
    const { bytes, heapBytes } = sizeOf(parsed("{}", 330_000));
    expect(bytes).toBeLessThan(990_000);
    expect(heapBytes).toBeGreaterThan(20_000_000);
  });

  it("counts a large text and bytes as hardly more than they are", () => {
    for (const value of [{ data: "x".repeat(100_000) }, new Uint8Array(100_000)]) {
      const { bytes, heapBytes } = sizeOf(value);
      expect(heapBytes).toBeGreaterThanOrEqual(bytes);
      expect(heapBytes).toBeLessThan(1.01 * bytes);
    }
  });
});
