import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { frameMessages, MESSAGE_HEADER_BYTES, MessageDecoder, type Decoded } from "./message-framing.js";

const MAX = 1000;

function frame(messages: readonly Uint8Array[]): Buffer {
  const total = messages.reduce((sum, message) => sum + MESSAGE_HEADER_BYTES + message.length, 0);
  return frameMessages(messages, total);
}

function drain(decoder: MessageDecoder): Decoded[] {
  const all: Decoded[] = [];
  for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
    all.push(next);
    if (next.kind === "violation") break;
  }
  return all;
}

function lengths(decoded: readonly Decoded[]): number[] {
  return decoded.map((each) => (each.kind === "message" ? each.bytes.length : -1));
}

describe("message framing", () => {
  it("finds every message however the bytes are cut", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = seededRandom(seed);
      const messages = Array.from({ length: 20 }, (_, index) =>
        Buffer.alloc(Math.floor(random.next() ** 3 * (MAX + 1)), index + 1),
      );
      const bytes = frame(messages);
      const decoder = new MessageDecoder(MAX);
      const found: Decoded[] = [];
      for (let offset = 0; offset < bytes.length; ) {
        const size = 1 + Math.floor(random.next() ** 4 * 2000);
        decoder.push(bytes.subarray(offset, offset + size));
        found.push(...drain(decoder));
        offset += size;
      }
      // As text: comparing bytes one by one takes longer than everything else here together.
      const got = found.map((each) =>
        each.kind === "message" ? Buffer.from(each.bytes).toString("hex") : each,
      );
      expect(got, `seed ${seed}`).toEqual(messages.map((message) => message.toString("hex")));
      expect(decoder.isBetweenMessages, `seed ${seed}`).toBe(true);
    }
  });

  it("takes a message at the limit and refuses one a byte above it by its header alone", () => {
    const decoder = new MessageDecoder(MAX);
    decoder.push(frame([Buffer.alloc(MAX)]));
    decoder.push(frame([Buffer.alloc(MAX + 1)]).subarray(0, MESSAGE_HEADER_BYTES));
    expect(drain(decoder)).toMatchObject([{ kind: "message" }, { kind: "violation", code: 1009 }]);
  });

  it("hands out what came before a violation first", () => {
    const decoder = new MessageDecoder(MAX);
    decoder.push(Buffer.concat([frame([Buffer.alloc(3)]), Buffer.from([1, 0, 0, 0, 0])]));
    const found = drain(decoder);
    expect(lengths(found)).toEqual([3, -1]);
    expect(found[1]).toMatchObject({ code: 1003 });
  });

  it("knows the middle of a message from its end", () => {
    const decoder = new MessageDecoder(MAX);
    decoder.push(frame([Buffer.alloc(10)]).subarray(0, 12));
    expect([drain(decoder), decoder.isBetweenMessages]).toEqual([[], false]);
  });
});
