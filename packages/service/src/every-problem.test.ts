import { HawserError } from "@hawser/protocol";
import { expect, it } from "vitest";
import { everyProblem } from "./every-problem.js";

const wrong = (message: string) => () => {
  throw new HawserError("invalid_config", message);
};

function told(...checks: readonly (() => unknown)[]): HawserError {
  try {
    everyProblem("hawser-x", checks);
  } catch (thrown) {
    return HawserError.from(thrown);
  }
  return expect.fail("nothing was thrown");
}

it("throws nothing where nothing is wrong, and a single problem as it is", () => {
  everyProblem("hawser-x", [() => 1, () => {}]);
  expect(told(() => 1, wrong("one"))).toMatchObject({ code: "invalid_config", message: "one" });
});

it("tells every problem on lines of its own", () => {
  expect(told(wrong("one"), () => {}, wrong("two\nthree"))).toMatchObject({
    code: "invalid_config",
    message: "hawser-x cannot start:\n  one\n  two\n  three",
  });
});

it("lets go through at once what is no problem of the settings", () => {
  const fault = (): never => {
    throw new TypeError("a fault");
  };
  expect(told(wrong("one"), fault, wrong("two"))).toMatchObject({ code: "internal" });
});
