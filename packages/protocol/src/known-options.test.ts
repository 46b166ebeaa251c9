import { expect, it } from "vitest";
import { checkOptionNames } from "./known-options.js";

interface Options {
  readonly one?: number | undefined;
  readonly two?: number;
}

const NAMES = { one: true, two: true } as const;

it("takes the options there are, and refuses any other by its name", () => {
  for (const good of [undefined, {}, { one: 1 }, { one: undefined, two: 2 }])
    checkOptionNames<Options>("make", good, NAMES);
  for (const name of ["tow", "__proto__x", "toString", "constructor"])
    expect(() => checkOptionNames<Options>("make", { [name]: 1 }, NAMES)).toThrow(
      expect.objectContaining({
        code: "invalid_config",
        message: `make: there is no option "${name}"; there are one, two`,
      }),
    );
});
