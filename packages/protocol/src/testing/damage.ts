import fc from "fast-check";

/** A few bytes changed, inserted or removed. */
const edit = fc.record({ at: fc.nat(), remove: fc.nat({ max: 8 }), insert: fc.uint8Array({ maxLength: 8 }) });
export const edits = fc.array(edit, { minLength: 1, maxLength: 4 });

/** One or two bytes that are others, so that most of it still makes sense. */
export const otherBytes = fc.array(
  fc.record({ at: fc.nat(), remove: fc.constant(1), insert: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
  { minLength: 1, maxLength: 2 },
);

export function damaged(
  frame: Uint8Array,
  changes: readonly { at: number; remove: number; insert: Uint8Array }[],
): Buffer {
  let bytes = Buffer.from(frame);
  for (const { at, remove, insert } of changes) {
    const start = bytes.length === 0 ? 0 : at % bytes.length;
    bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
  }
  return bytes;
}
