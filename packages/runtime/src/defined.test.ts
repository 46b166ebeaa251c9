import { expect, expectTypeOf, test } from "vitest";
import { defined } from "./defined.js";

interface Options {
  readonly name: string;
  readonly limit?: number;
  readonly label?: string | null;
}

test("what is undefined is absent; what is empty, false or null stays", () => {
  const values = { a: undefined, b: null, c: 0, d: "", e: false, f: "x" };
  expect(Object.entries(defined(values))).toEqual([
    ["b", null],
    ["c", 0],
    ["d", ""],
    ["e", false],
    ["f", "x"],
  ]);
});

test("a member that may be undefined becomes one that may be absent, and no other does", () => {
  const name: string = "a";
  const limit = undefined as number | undefined;
  const label = undefined as string | null | undefined;
  const options: Options = defined({ name, limit, label });
  expect(options).toStrictEqual({ name: "a" });
  expectTypeOf(defined({ name, limit }).name).toEqualTypeOf<string>();
  // @ts-expect-error a name that may be missing is no name
  const nameless: Options = defined({ name: undefined as string | undefined });
  expect(nameless).toStrictEqual({});
});
