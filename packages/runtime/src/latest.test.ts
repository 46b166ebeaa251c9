import { expect, it } from "vitest";
import { Latest } from "./latest.js";

it("gives each follower what it is now, then every change", async () => {
  const latest = new Latest("a");
  const first = latest.follow();
  expect(await first.next()).toEqual({ done: false, value: "a" });
  const next = first.next();
  latest.set("b");
  expect(await next).toEqual({ done: false, value: "b" });
  expect(await latest.follow().next()).toEqual({ done: false, value: "b" });
});

it("gives a slow follower the newest, once", async () => {
  const latest = new Latest(0);
  const follower = latest.follow();
  await follower.next();
  for (let value = 1; value <= 1_000; value += 1) latest.set(value);
  expect(await follower.next()).toEqual({ done: false, value: 1_000 });
  const next = follower.next();
  latest.set(1_001);
  expect(await next).toEqual({ done: false, value: 1_001 });
});

it("ends with a change to what is the last, which the value it begins with is not", async () => {
  const latest = new Latest("stopped");
  const seen: string[] = [];
  const reading = (async () => {
    for await (const value of latest.follow(undefined, (each) => each === "stopped")) {
      seen.push(value);
      queueMicrotask(() => latest.set(seen.length < 3 ? "running" : "stopped"));
    }
  })();
  await reading;
  expect(seen).toEqual(["stopped", "running", "running", "stopped"]);
});

it("ends with its signal, while it waits and before", async () => {
  const abort = new AbortController();
  const seen: string[] = [];
  const latest = new Latest("a");
  const reading = (async () => {
    for await (const value of latest.follow(abort.signal)) {
      seen.push(value);
      if (value === "a") queueMicrotask(() => abort.abort());
    }
  })();
  await reading;
  latest.set("b");
  expect(seen).toEqual(["a"]);
  expect(await latest.follow(abort.signal).next()).toEqual({ done: true, value: undefined });
});
