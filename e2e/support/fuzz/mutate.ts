import type { Random } from "@hawser/runtime";
import { bytes, chance, integer, pick } from "./draws.js";

/** What parsers stumble over: ends of ranges, lengths that lie, text that is none. */
const NASTY: readonly [Buffer, ...Buffer[]] = [
  Buffer.from([0]),
  Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
  Buffer.from([0x7f, 0xff, 0xff, 0xff]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from("\ufeff"),
  Buffer.from("\u2028"),
  Buffer.from("9007199254740993"),
  Buffer.from("-0"),
  Buffer.from("1e400"),
  Buffer.from('"__proto__":'),
  Buffer.from('"\\ud800"'),
  Buffer.from("\\u0000"),
  Buffer.from("{}[]"),
  Buffer.from("\r\n"),
  Buffer.from("%00%ff%"),
];

/** An input that is right with up to four wrongs, mostly one, so that much of it is still understood; now and then joined with another. */
export function mutate(random: Random, input: Uint8Array, other: () => Uint8Array): Buffer {
  let result: Buffer = Buffer.from(input);
  if (chance(random, 0.05)) result = joined(random, result, Buffer.from(other()));
  const wrongs = integer(random, 0, 2) * integer(random, 0, 2) || 1;
  for (let done = 0; done < wrongs; done += 1) result = pick(random, MUTATIONS)(random, result);
  return result;
}

function joined(random: Random, one: Buffer, other: Buffer): Buffer {
  const head = one.subarray(0, integer(random, 0, one.length));
  return Buffer.concat([head, other.subarray(integer(random, 0, other.length))]);
}

type Mutation = (random: Random, input: Buffer) => Buffer;

function splice(input: Buffer, at: number, removed: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), inserted, input.subarray(at + removed)]);
}

const place = (random: Random, { length }: Buffer): number => integer(random, 0, Math.max(0, length - 1));

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  // One bit.
  (random, input) => {
    const at = place(random, input);
    const flipped = (input[at] ?? 0) ^ (1 << integer(random, 0, 7));
    return splice(input, at, 1, Buffer.from([flipped]));
  },
  (random, input) => splice(input, place(random, input), 1, bytes(random, 1)),
  (random, input) => splice(input, place(random, input), integer(random, 0, 16), Buffer.alloc(0)),
  (random, input) => splice(input, place(random, input), integer(random, 0, 4), pick(random, NASTY)),
  (random, input) => splice(input, place(random, input), 0, bytes(random, 12)),
  // A piece once more, at another place.
  (random, input) => {
    const from = place(random, input);
    const piece = input.subarray(from, from + integer(random, 1, 64));
    return splice(input, place(random, input), 0, piece);
  },
  (random, input) => input.subarray(0, place(random, input)),
];
