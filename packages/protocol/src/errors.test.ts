import { expect, it } from "vitest";
import { HawserError, thrownText } from "./errors.js";

function thrower(): never {
  throw new Error("a trap");
}

/** What anybody may throw, or reject with. */
const THROWN: readonly (readonly [string, () => unknown])[] = [
  ["nothing", () => undefined],
  ["an object without a prototype", () => Object.create(null)],
  ["an object that cannot be written as text", () => ({ toString: thrower })],
  ["a symbol", () => Symbol("x")],
  ["an error whose message throws", () => Object.defineProperty(new Error("x"), "message", { get: thrower })],
  [
    "an error whose message is no text",
    () => Object.assign(new Error("x"), { message: Object.create(null) }),
  ],
  ["an object that must not be asked for its class", () => new Proxy({}, { getPrototypeOf: thrower })],
  ["an error that is revoked", () => revoked(new Error("x"))],
  ["one of ours that is revoked", () => revoked(new HawserError("conflict", "x"))],
];

function revoked(error: Error): unknown {
  const { proxy, revoke } = Proxy.revocable(error, {});
  revoke();
  return proxy;
}

it.each(THROWN)("of %s an error is made, and words are found", (_, make) => {
  const thrown = make();
  const error = HawserError.from(thrown, "handler_failed");
  expect(error.code).toBe("handler_failed");
  expect(error.message).toBe(thrownText(thrown));
  expect(error.message).toMatch(/^(undefined|Symbol\(x\)|something was thrown that has no words)$/);
});

it("keeps an error of ours, and the words of another", () => {
  const own = new HawserError("conflict", "it is taken");
  expect(HawserError.from(own)).toBe(own);
  expect(HawserError.from(new TypeError("no function"))).toMatchObject({
    code: "internal",
    message: "no function",
  });
  expect([thrownText(own), thrownText("text"), thrownText(7)]).toEqual(["it is taken", "text", "7"]);
});
