import { HawserError } from "@hawser/protocol";
import { silentLogger } from "@hawser/runtime";
import { expect, test } from "vitest";
import type { ScreenPeer } from "./authenticate.js";
import { screening } from "./screening.js";

const PEER = { address: "192.0.2.7:4711", authorization: "Bearer x" };

function screened(screen: ScreenPeer) {
  const refused: string[] = [];
  const observer = { sessionRefused: (_agent: string, code: string) => void refused.push(code) };
  const known: string[] = [];
  const ask = screening({
    screen,
    logger: silentLogger,
    observer,
    known: ({ address }) => void known.push(address),
  });
  return { ask, refused, known };
}

test.each(["known", "unknown"] as const)("who is %s may go on to say hello", (kind) => {
  const { ask, refused, known } = screened(() => ({ kind }));
  expect(ask(PEER)).toBeUndefined();
  expect(known).toEqual(kind === "known" ? [PEER.address] : []);
  expect(refused).toEqual([]);
});

test("who is refused hears why, and is counted", () => {
  const error = new HawserError("unauthenticated", "no token of this principal");
  const { ask, refused } = screened(() => ({ kind: "refused", error }));
  expect(ask(PEER)).toBe(error);
  expect(refused).toEqual(["unauthenticated"]);
});

test("a look-up that throws refuses this request, without its reason, and nothing else", () => {
  const { ask, refused } = screened(() => {
    throw new Error("secret detail");
  });
  expect(ask(PEER)).toMatchObject({ code: "internal", message: "the credential could not be looked up" });
  expect(refused).toEqual(["internal"]);
});

test("who comes by the internal port is judged by the hello: the principal's own login has no credential", () => {
  const error = new HawserError("unauthenticated", "no token was sent");
  const { ask } = screened(() => ({ kind: "refused", error }));
  expect(ask({ address: "unix:/run/hawser/internal.sock#1", internal: true })).toBeUndefined();
});
