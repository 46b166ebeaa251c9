import fc from "fast-check";
import { expect, test } from "vitest";
import { HawserError } from "./errors.js";
import { protobufCodec } from "./protobuf-codec.js";
import { damaged, otherBytes } from "./testing/damage.js";
import { cloudEvent } from "./testing/event-arbitrary.js";
import { readReference, referenceFrame } from "./testing/protobuf-reference.js";

// A failing run prints its seed; `fc.assert(property, { seed, path })` replays it alone.

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("what is written is what the generated code writes, byte by byte", () => {
  fc.assert(
    fc.property(cloudEvent(), (event) => {
      expect(hex(protobufCodec.encode(event))).toBe(hex(referenceFrame(event)));
    }),
    { numRuns: 1000 },
  );
});

test("what is written, the generated code reads", () => {
  fc.assert(
    fc.property(cloudEvent(), (event) => {
      expect(readReference(protobufCodec.encode(event))).toEqual(event);
    }),
    { numRuns: 300 },
  );
});

/** A field of a later schema: number 9 to 20, of every wire type but groups. */
const unknownField = fc
  .tuple(
    fc.integer({ min: 9, max: 20 }),
    fc.oneof(
      fc.constant([0, Buffer.from("ffffffffffffffff7f", "hex")] as const),
      fc.constant([1, Buffer.alloc(8, 0xff)] as const),
      fc.uint8Array({ maxLength: 100 }).map((b) => [2, Buffer.concat([Buffer.of(b.length), b])] as const),
      fc.constant([5, Buffer.alloc(4, 0xff)] as const),
    ),
  )
  .map(([field, [wireType, content]]) => {
    const tag = field * 8 + wireType;
    return Buffer.concat([tag < 128 ? Buffer.of(tag) : Buffer.of((tag % 128) | 128, tag >> 7), content]);
  });

test("unknown fields before and after, and fields that come twice, are read as the generated code reads them", () => {
  fc.assert(
    fc.property(cloudEvent(), cloudEvent(), fc.array(unknownField, { maxLength: 4 }), (one, two, unknown) => {
      const frame = Buffer.concat([referenceFrame(one), ...unknown, referenceFrame(two), ...unknown]);
      const expected = attempt(() => readReference(frame));
      const found = attempt(() => protobufCodec.decode(frame));
      // The two may have more attributes together than one event may have, and data of one type under that of the other.
      if (found !== undefined) expect(found).toEqual(expected);
      expect(protobufCodec.decode(Buffer.concat([...unknown, referenceFrame(two), ...unknown]))).toEqual(two);
    }),
    { numRuns: 500 },
  );
});

test("what is accepted of a damaged frame, the generated code accepts, and it is the same event", () => {
  let accepted = 0;
  fc.assert(
    fc.property(cloudEvent(), otherBytes, (event, changes) => {
      const frame = damaged(referenceFrame(event), changes);
      const found = attempt(() => protobufCodec.decode(frame));
      if (found === undefined) return;
      accepted += 1;
      expect(found).toEqual(readReference(frame));
    }),
    { numRuns: 2000 },
  );
  // Or nothing was compared.
  expect(accepted).toBeGreaterThan(100);
});

/** Undefined for what is refused; whatever else is thrown is a bug. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof HawserError || thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
