import { HawserError } from "@hawser/protocol";
import { expect, test } from "vitest";
import { inFlags } from "./in-flags.js";

const FLAGS = {
  "api.port": "--api-listen",
  "listen.port": "--listen",
  "internal.listen.port": "--internal-listen",
};

test.each([
  ["stop it, or set api.port to a free port", "stop it, or set --api-listen to a free port"],
  ["set internal.listen.port to 1024 or above", "set --internal-listen to 1024 or above"],
  ["listen.port must be 0 to 65535", "--listen must be 0 to 65535"],
  ["api.portal and my.api.port are others", "api.portal and my.api.port are others"],
])("%s", (message, told) => {
  const error = new HawserError("port_in_use", message, { agent: "a" });
  expect(inFlags(error, FLAGS)).toMatchObject({ code: "port_in_use", message: told });
});

test("an error that names no option is left as it is", () => {
  const error = new HawserError("store_corrupt", "damaged");
  expect(inFlags(error, FLAGS)).toBe(error);
  expect(inFlags(error)).toBe(error);
});
