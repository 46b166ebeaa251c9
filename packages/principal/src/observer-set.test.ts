import { expect, it, vi } from "vitest";
import { ObserverSet } from "./observer-set.js";
import type { PrincipalObserver } from "./principal-observer.js";

const EVENT = { resourceid: "a_1", eventid: "1", type: "com.example.ping" };
const ACK = { resourceid: "a_1", version: 1, rttMs: 2 };

/** Writes down what it is told, under a name of its own. */
function noting(name: string, notes: string[]): PrincipalObserver {
  return {
    accepted: (agent) => notes.push(`${name} accepted ${agent}`),
    link: (agent) => ({ acked: () => notes.push(`${name} acked ${agent}`) }),
  };
}

it("tells those who are there, in order, and nobody who has left", () => {
  const notes: string[] = [];
  const set = new ObserverSet(noting("one", notes));
  const leave = set.add(noting("two", notes));
  set.observer.accepted?.("a", EVENT);
  leave();
  leave();
  set.observer.accepted?.("b", EVENT);
  expect(notes).toEqual(["one accepted a", "two accepted a", "one accepted b"]);
});

it("tells a newcomer of sessions that are open, and asks each observer once for a session", () => {
  const notes: string[] = [];
  const one = noting("one", notes);
  const asked = vi.spyOn(one, "link");
  const set = new ObserverSet(one);
  const link = set.observer.link?.("a");
  link?.acked?.(ACK);
  const leave = set.add(noting("two", notes));
  link?.acked?.(ACK);
  leave();
  link?.acked?.(ACK);
  expect(notes).toEqual(["one acked a", "one acked a", "two acked a", "one acked a"]);
  expect(asked).toHaveBeenCalledTimes(1);
});

it("needs no observer at all", () => {
  const set = new ObserverSet(undefined);
  set.observer.accepted?.("a", EVENT);
  expect(() => set.observer.link?.("a")?.acked?.(ACK)).not.toThrow();
});

it("tells the others, and the log, when one of them throws", () => {
  const notes: string[] = [];
  const thrower = (): never => {
    throw new Error("a fault of the observer");
  };
  const error = (_: unknown, message: string): void => void notes.push(message);
  const set = new ObserverSet({ accepted: thrower, gone: thrower }, { error });
  set.add(noting("two", notes));
  set.observer.accepted?.("a", EVENT);
  expect(notes).toEqual(["an observer threw", "two accepted a"]);
  const silent = new ObserverSet({ gone: thrower }, { error: thrower });
  silent.observer.gone?.("a");
});
