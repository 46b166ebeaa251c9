import type { OutputRequest } from "@hawser/protocol";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { OutputDisplay } from "./output-display.js";
import { OutputLog } from "./output-log.js";

function make() {
  const virtual = createVirtualRuntime({ seed: 1 });
  const { clock, timers } = virtual.runtime;
  const log = new OutputLog("l", 1_000);
  const shown: (readonly string[] | undefined)[] = [];
  const display: OutputDisplay = new OutputDisplay({
    log,
    clock,
    timers,
    changed: () => shown.push(display.window?.lines),
  });
  const write = (line: string): void => {
    log.add(line, 0);
    display.more();
  };
  return { virtual, shown, display, write };
}

const request = (more: Partial<OutputRequest> = {}): OutputRequest => ({
  kind: "Task",
  name: "web",
  request: "r",
  forMs: 5_000,
  ...more,
});

it("shows nothing, and does nothing, while nobody asks", async () => {
  const { virtual, shown, display, write } = make();
  write("a");
  await virtual.advance(60_000);
  expect([shown, display.window]).toEqual([[], undefined]);
});

it("shows at once what there is, then once a second what came, and ends with the time", async () => {
  const { virtual, shown, display, write } = make();
  write("a");
  display.show(request());
  await virtual.advance(1);
  expect(shown).toEqual([["a"]]);
  for (let n = 0; n < 100; n += 1) {
    write(String(n));
    await virtual.advance(20);
  }
  expect(shown.length).toBeLessThanOrEqual(4);
  expect(shown.at(-1)?.length).toBeGreaterThan(50);
  await virtual.advance(5_000);
  expect(shown.at(-1)).toBeUndefined();
  const { length } = shown;
  write("after");
  await virtual.advance(60_000);
  expect(shown).toHaveLength(length);
});

it("goes on for a later request, from where that one is", async () => {
  const { virtual, shown, display, write } = make();
  write("a");
  write("b");
  display.show(request());
  await virtual.advance(4_000);
  display.show(request({ request: "r2", after: { log: "l", line: 1 } }));
  await virtual.advance(4_000);
  expect(display.window).toMatchObject({ request: "r2", line: 1, lines: ["b"] });
  expect(shown).toEqual([["a", "b"], ["b"]]);
});

it("says whether it showed something when it is closed", async () => {
  const { virtual, shown, display, write } = make();
  expect(display.close()).toBe(false);
  display.show(request());
  expect(display.close()).toBe(true);
  write("a");
  await virtual.advance(60_000);
  expect(shown).toEqual([]);
});
