import { expect, test } from "vitest";
import { MessageLimit } from "./message-limit.js";

const LIMIT = 1_000;
const TEXT = 0x1;
const CONTINUATION = 0x0;
const PING = 0x9;

/** A masked frame as a client sends it; `announced` is what its header says. */
function frame(opcode: number, payloadBytes: number, { last = true, announced = payloadBytes } = {}): Buffer {
  const first = (last ? 0x80 : 0) | opcode;
  const mask = Buffer.alloc(4, 7);
  const payload = Buffer.alloc(payloadBytes, 0xff);
  return Buffer.concat([Buffer.from([first]), lengthOf(announced), mask, payload]);
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 126) return Buffer.from([0x80 | bytes]);
  if (bytes < 65_536) {
    const short = Buffer.from([0x80 | 126, 0, 0]);
    short.writeUInt16BE(bytes, 1);
    return short;
  }
  const long = Buffer.alloc(9);
  long.writeUInt8(0x80 | 127, 0);
  long.writeBigUInt64BE(BigInt(bytes), 1);
  return long;
}

/** The code that the stream is refused with, and the reads until then. */
function violation(bytes: Buffer, bytesPerRead: number): { code: number | undefined; reads: number } {
  const limit = new MessageLimit(LIMIT);
  let reads = 0;
  for (let at = 0; at < bytes.length; at += bytesPerRead) {
    reads += 1;
    const code = limit.violationIn(bytes.subarray(at, at + bytesPerRead));
    if (code !== undefined) return { code, reads };
  }
  return { code: undefined, reads };
}

const READS = [1, 7, 64, 100_000];

test.each(READS)(
  "messages of the limit pass, with control frames between them (%i bytes a read)",
  (reads) => {
    const bytes = Buffer.concat([
      frame(TEXT, 100),
      frame(PING, 125),
      frame(TEXT, 60, { last: false }),
      frame(PING, 0),
      frame(CONTINUATION, 70),
      frame(TEXT, 0),
    ]);
    expect(violation(bytes, reads).code).toBe(reads === 1 ? 1008 : undefined);
  },
);

test("whole messages of the limit pass, one after the other", () => {
  const bytes = Buffer.concat([frame(TEXT, LIMIT), frame(TEXT, LIMIT), frame(TEXT, LIMIT)]);
  for (const reads of READS.slice(1)) expect(violation(bytes, reads).code).toBeUndefined();
});

test.each([LIMIT + 1, 70_000, 1_048_575, 2 ** 50])(
  "a message of %i bytes is refused by its header",
  (announced) => {
    const header = frame(TEXT, 0, { announced });
    for (const bytesPerRead of READS) {
      const { code, reads } = violation(header, bytesPerRead);
      expect({ code, reads }).toEqual({ code: 1009, reads: Math.ceil(header.length / bytesPerRead) });
    }
  },
);

test("the pieces of a message count together", () => {
  const bytes = Buffer.concat([
    frame(TEXT, 600, { last: false }),
    frame(PING, 100),
    frame(CONTINUATION, 400, { last: false }),
    frame(CONTINUATION, 1),
  ]);
  for (const reads of READS.slice(1)) expect(violation(bytes, reads).code).toBe(1009);
});

test("a message in crumbs is refused by their number", () => {
  const { code, reads } = violation(frame(TEXT, LIMIT), 1);
  expect({ code, reads }).toEqual({ code: 1008, reads: 265 });
});
