import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_BODY_BYTES } from "@hawser/http-binding";
import { describe, expect, it } from "vitest";
import { eventsIn } from "./event-feed.js";

async function* chunks(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

/** What is handed on, and the message of what ends it. */
async function read(...texts: readonly string[]): Promise<{ batches: unknown[]; error?: string }> {
  const batches: unknown[] = [];
  try {
    for await (const batch of eventsIn(chunks(...texts), "it")) batches.push(batch);
    return { batches };
  } catch (thrown) {
    return { batches, error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

describe("the events in a text", () => {
  it.each([
    ["one", '{"a":1}', [[{ a: 1 }]]],
    ["one over several lines", '{\n  "a": 1\n}\n', [[{ a: 1 }]]],
    ["a list", '\n[{"a":1},{"a":2}]\n', [[{ a: 1 }, { a: 2 }]]],
    ["a list over several lines", '[\n{"a":1},\n{"a":2}\n]', [[{ a: 1 }, { a: 2 }]]],
    ["lines", '{"a":1}\n\n{"a":2}\n{"a":3}', [[{ a: 1 }, { a: 2 }], [{ a: 3 }]]],
    ["an empty list", "[]", []],
  ])("%s", async (_, text, batches) => {
    expect(await read(text)).toEqual({ batches });
  });

  it("are the same however the text is cut", async () => {
    const text = '{"a":1}\n{"a":2}\n{"a":3}\n';
    for (let at = 0; at <= text.length; at += 1) {
      const { batches } = await read(text.slice(0, at), text.slice(at));
      expect(batches.flat()).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    }
  });

  it("are handed on line by line as they come", async () => {
    const came: unknown[] = [];
    async function* slowly(): AsyncGenerator<string> {
      yield '{"a":1}\n{"a"';
      expect(came).toEqual([[{ a: 1 }]]);
      yield ":2}\n";
      expect(came).toEqual([[{ a: 1 }], [{ a: 2 }]]);
    }
    for await (const batch of eventsIn(slowly(), "it")) came.push(batch);
    expect(came).toHaveLength(2);
  });

  it("go in batches of which each fits into a request", async () => {
    const many = Array.from({ length: 2 * MAX_BATCH_EVENTS + 1 }, (_, a) => ({ a }));
    const { batches } = await read(many.map((each) => JSON.stringify(each)).join("\n") + "\n");
    expect(batches).toHaveLength(3);
    expect(batches.flat()).toEqual(many);
    const large = Array.from({ length: 9 }, (_, a) => JSON.stringify({ a, b: "x".repeat(900_000) }) + "\n");
    const cut = await read(...large);
    for (const batch of cut.batches)
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThanOrEqual(MAX_BATCH_BYTES);
    expect(cut.batches.flat()).toHaveLength(9);
  });

  it("end at a line that is no JSON, which is named, after those before it", async () => {
    expect(await read('{"a":1}\n{"a":2}\n{"a":\n{"a":4}\n')).toEqual({
      batches: [[{ a: 1 }, { a: 2 }]],
      error: expect.stringContaining("it, line 3: no JSON"),
    });
  });

  it.each([
    ["", "it: no JSON"],
    ["[", "it: no JSON"],
    ['{"a": 12345678901234567890}', "it: "],
  ])("are none in %j", async (text, error) => {
    expect(await read(text)).toEqual({ batches: [], error: expect.stringContaining(error) });
  });

  it("take no more memory than a document or a line may have", async () => {
    const long = "x".repeat(MAX_BODY_BYTES);
    expect((await read('{"a":1}\n{"b":"', long)).error).toContain("line 2 has more than");
    expect((await read('{"a":"', long, long, long, long)).error).toContain("a document has more than");
  });
});
