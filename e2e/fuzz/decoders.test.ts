import {
  HawserError,
  isErrorCode,
  jsonCodec,
  parseMessage,
  protobufBatchCodec,
  protobufCodec,
} from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import { chance, integer, times } from "../support/fuzz/draws.js";
import { control, event } from "../support/fuzz/frames.js";
import { fuzz, fuzzPlan, shown } from "../support/fuzz/fuzz.js";
import { mutate } from "../support/fuzz/mutate.js";

const LONG_MS = 4 * 60 * 60_000;
/** Far above what the largest of these inputs costs, far below what anybody would call a hang. */
const MAX_CPU_MS = 2_000;

/** Valid only if the codec can express it: text that no attribute may have is drawn as well. */
function encoded<T>(encode: () => T, otherwise: T): T {
  try {
    return encode();
  } catch (thrown) {
    if (thrown instanceof HawserError) return otherwise;
    throw thrown;
  }
}

const anything = (random: Random) => (chance(random, 0.5) ? event(random) : control(random));
const jsonFrame = (random: Random): Buffer =>
  Buffer.from(encoded(() => jsonCodec.encode(anything(random)), "{}"));
const protobufFrame = (random: Random): Uint8Array =>
  encoded(() => protobufCodec.encode(anything(random)), Uint8Array.of());
const batchFrame = (random: Random): Uint8Array =>
  encoded(
    () => protobufBatchCodec.encode(times(integer(random, 0, 4), () => anything(random))),
    Uint8Array.of(),
  );

/** An event or a HawserError of a known code, soon, and never anything else. */
function receive(input: Uint8Array, decode: () => unknown): "taken" | "refused" {
  const { user } = process.cpuUsage();
  const verdict = judge(input, decode);
  const cpuMs = (process.cpuUsage().user - user) / 1_000;
  if (cpuMs > MAX_CPU_MS) throw new Error(`${cpuMs} ms of CPU for ${shown(input)}`);
  return verdict;
}

function judge(input: Uint8Array, decode: () => unknown): "taken" | "refused" {
  try {
    decode();
    return "taken";
  } catch (thrown) {
    if (thrown instanceof HawserError && isErrorCode(thrown.code)) return "refused";
    throw new Error(`${String(thrown)} from ${shown(input)}`, { cause: thrown });
  }
}

const DECODERS = {
  "JSON codec": { valid: jsonFrame, decode: (input: Buffer) => void jsonCodec.decode(input.toString()) },
  "protobuf codec": { valid: protobufFrame, decode: (input: Buffer) => void protobufCodec.decode(input) },
  "protobuf batch": { valid: batchFrame, decode: (input: Buffer) => void protobufBatchCodec.decode(input) },
  "control messages": {
    valid: (random: Random) =>
      encoded(() => Buffer.from(jsonCodec.encode(control(random))), Buffer.from("{}")),
    decode: (input: Buffer) => void parseMessage(jsonCodec.decode(input.toString())),
  },
} as const;

describe("a decoder takes it or refuses it with an error of ours", () => {
  for (const [name, { valid, decode }] of Object.entries(DECODERS))
    it(name, { timeout: LONG_MS }, async () => {
      const counts = { taken: 0, refused: 0 };
      const before = process.memoryUsage().heapUsed;
      await fuzz(name, fuzzPlan(3_000), (random) => {
        const input = mutate(random, valid(random), () => valid(random));
        counts[receive(input, () => decode(input))] += 1;
      });
      console.log(`fuzz: ${name}, taken ${counts.taken}, refused ${counts.refused}`);
      expect(counts.taken + counts.refused).toBeGreaterThan(0);
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(300_000_000);
    });

  it("nothing that was taken has changed what all objects have", () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
