import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastJsonBytes, surelyFits } from "./json-size.js";

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
