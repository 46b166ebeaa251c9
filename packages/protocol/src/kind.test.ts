import type { StandardSchemaV1 } from "@standard-schema/spec";
import * as v from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { z as z3 } from "zod/v3";
import {
  checkAgainst,
  defineKind,
  MAX_SCHEMA_ISSUES,
  misfitText,
  unchecked,
  type Checked,
  type JsonLike,
  type JsonValue,
  type SpecInputOf,
  type SpecOf,
  type StandardSchema,
  type StatusInputOf,
  type StatusOf,
} from "./index.js";

// What is marked with @ts-expect-error is held by the compiler, which `npm run lint` runs over tests: a mark that nothing answers to is an error as well.
interface LampStatus {
  readonly lit: boolean;
}

const zodSpec = z.object({
  colour: z.string(),
  watts: z.number().default(5),
  dim: z.coerce.number().optional(),
});
const valibotSpec = v.object({ colour: v.string(), watts: v.optional(v.number(), 5) });

/** By hand: it takes its time, and makes a number of a text. */
const slow: StandardSchema<string, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value) => {
      await Promise.resolve();
      const number = Number(value);
      return Number.isNaN(number) ? { issues: [{ message: "no number" }] } : { value: number };
    },
  },
};

describe("a kind", () => {
  it("has the types of its schemas: what they take for whoever gives, what they make for whoever reads", () => {
    const Lamp = defineKind("Lamp", { spec: zodSpec, status: z.object({ at: z.iso.datetime() }) });
    expectTypeOf(Lamp.name).toEqualTypeOf<"Lamp">();
    type Spec = { colour: string; watts: number; dim?: number | undefined };
    expectTypeOf<SpecOf<typeof Lamp>>().toEqualTypeOf<Spec>();
    expectTypeOf<StatusOf<typeof Lamp>>().toEqualTypeOf<{ at: string }>();
    // A schema that coerces takes anything; what is sent is JSON all the same.
    const given: SpecInputOf<typeof Lamp> = { colour: "white", dim: "3" };
    // @ts-expect-error a Date is no JSON
    const wrong: SpecInputOf<typeof Lamp> = { colour: "white", dim: new Date(0) };
    expect([given, wrong]).toHaveLength(2);
  });

  it("may be written with any library that follows Standard Schema", () => {
    const byValibot = defineKind("Lamp", { spec: valibotSpec });
    expectTypeOf<SpecOf<typeof byValibot>>().toEqualTypeOf<{ colour: string; watts: number }>();
    expectTypeOf<SpecInputOf<typeof byValibot>>().toEqualTypeOf<{
      colour: string;
      watts?: number | undefined;
    }>();
    expectTypeOf<StatusOf<typeof byValibot>>().toEqualTypeOf<JsonValue>();
    expectTypeOf<StatusInputOf<typeof byValibot>>().toEqualTypeOf<JsonLike>();
    const byOldZod = defineKind("Lamp", { spec: z3.object({ colour: z3.string() }) });
    expectTypeOf<SpecOf<typeof byOldZod>>().toEqualTypeOf<{ colour: string }>();
    const byHand = defineKind("Lamp", { spec: slow });
    expectTypeOf<SpecOf<typeof byHand>>().toEqualTypeOf<number>();
    expectTypeOf<SpecInputOf<typeof byHand>>().toEqualTypeOf<string>();
    expect([byValibot, byOldZod, byHand].map(({ name }) => name)).toEqual(["Lamp", "Lamp", "Lamp"]);
  });

  it("may trust a type that is written down by hand", async () => {
    const Lamp = defineKind("Lamp", {
      spec: unchecked<{ colour: string }>(),
      status: unchecked<LampStatus>(),
    });
    expectTypeOf<SpecOf<typeof Lamp>>().toEqualTypeOf<{ colour: string }>();
    expectTypeOf<StatusInputOf<typeof Lamp>>().toEqualTypeOf<LampStatus>();
    expect(await checkAgainst(Lamp.spec, 3)).toEqual({ ok: true, value: 3 });
  });

  it("is not written with schemas that take what JSON cannot carry", () => {
    // @ts-expect-error a Date
    defineKind("Lamp", { spec: z.object({ at: z.date() }) });
    // @ts-expect-error a Map
    defineKind("Lamp", { spec: zodSpec, status: z.map(z.string(), z.string()) });
    // @ts-expect-error the same by hand
    defineKind("Lamp", { spec: unchecked<{ at: Date }>() });
    // What a schema makes may be anything.
    const Lamp = defineKind("Lamp", {
      spec: z.object({ at: z.iso.datetime().transform((at) => new Date(at)) }),
    });
    expectTypeOf<SpecOf<typeof Lamp>>().toEqualTypeOf<{ at: Date }>();
    expectTypeOf<SpecInputOf<typeof Lamp>>().toEqualTypeOf<{ at: string }>();
  });

  it("is refused by name where no compiler has looked", () => {
    expect(() => defineKind("lamp", { spec: slow })).toThrow(/"lamp" must be an upper-case letter/);
    // @ts-expect-error a JSON Schema is none
    expect(() => defineKind("Lamp", { spec: { type: "object" } })).toThrow(/the spec of Lamp needs a schema/);
    const status = null as unknown as StandardSchema<string>;
    expect(() => defineKind("Lamp", { spec: slow, status })).toThrow(/the status of Lamp needs a schema/);
  });

  it("has schemas of the very interface that the standard writes down", () => {
    expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<string, number>>();
    expectTypeOf<StandardSchema<string, number>>().toExtend<StandardSchemaV1<string, number>>();
  });
});

describe("a value held against a schema", () => {
  const failed = async (schema: StandardSchema, value: JsonValue): Promise<string> => {
    const checked = await checkAgainst(schema, value);
    if (checked.ok) throw new Error(`it fits: ${JSON.stringify(checked.value)}`);
    expect(checked.raw).toBe(value);
    return misfitText("it", "spec", checked);
  };

  it("is what the schema makes of it", async () => {
    expect(await checkAgainst(zodSpec, { colour: "white", dim: "3", more: 1 })).toEqual({
      ok: true,
      value: { colour: "white", watts: 5, dim: 3 },
    });
    expect(await checkAgainst(valibotSpec, { colour: "white" })).toEqual({
      ok: true,
      value: { colour: "white", watts: 5 },
    });
    expect(await checkAgainst(slow, "12")).toEqual({ ok: true, value: 12 });
  });

  it("has each thing that is wrong told with its path, in the words of the schema", async () => {
    const bulbs = z.object({ bulbs: z.array(z.object({ "a b": z.string("needed") })) });
    expect(await failed(bulbs, { bulbs: [{ "a b": "" }, {}] })).toBe(
      'it does not fit: spec.bulbs[1]["a b"]: needed',
    );
    expect(await failed(v.object({ a: v.object({ b: v.string("needed") }) }), { a: { b: 1 } })).toBe(
      "it does not fit: spec.a.b: needed",
    );
    expect(await failed(slow, "x")).toBe("it does not fit: spec: no number");
    expect(await failed(z.array(z.string("needed")), [1])).toBe("it does not fit: spec[0]: needed");
  });

  it("is told of within bounds, on one line", async () => {
    const list = Array.from({ length: MAX_SCHEMA_ISSUES + 3 }, (_, n) => n);
    const text = await failed(z.array(z.string("no\u2028text\n")), list);
    expect(text).toContain("spec[7]: no text ; and 3 more");
    expect(text).not.toContain("spec[8]");
    const path = Array.from({ length: 1_000 }, () => "x".repeat(1_000));
    const huge: StandardSchema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: list.map(() => ({ message: "y".repeat(100_000), path })) }),
      },
    };
    expect((await failed(huge, 1)).length).toBe(1_024);
  });

  it.each<[string, StandardSchema["~standard"]["validate"]]>([
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
    ],
    ["rejects", () => Promise.reject(new Error("a bug"))],
    ["answers nothing", () => undefined as never],
    ["answers nonsense", () => ({ issues: 3 as never })],
  ])("of a schema that %s is no news of the value", async (_what, validate) => {
    const broken: StandardSchema = { "~standard": { version: 1, vendor: "test", validate } };
    const checking: Promise<Checked<unknown>> = checkAgainst(broken, 1);
    await expect(checking).rejects.toMatchObject({ code: "internal", message: /^the schema threw: / });
  });
});
