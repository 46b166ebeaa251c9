import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { PLAIN } from "../output/style.js";
import type { Terminal } from "../terminal.js";
import { waitFor } from "./wait-for.js";

/** What a wait says in a log, of something that comes after a while. */
async function saidWhileWaiting(comesAfterMs: number): Promise<readonly string[]> {
  const virtual = createVirtualRuntime({ seed: 1 });
  const { runtime } = virtual;
  const said: string[] = [];
  const unused = (): never => {
    throw new Error("a wait has no use for it");
  };
  const terminal: Terminal = {
    out: unused,
    err: (text) => said.push(text),
    enterScreen: unused,
    drawScreen: unused,
    leaveScreen: unused,
    redrawErrLine: unused,
    outIsTerminal: false,
    errIsTerminal: false,
    inIsTerminal: false,
    columns: 80,
    rows: 24,
    style: PLAIN,
    errStyle: PLAIN,
    readerGone: new AbortController().signal,
    interrupted: new AbortController().signal,
    readInput: unused,
    confirm: unused,
    runEditor: unused,
    onKey: unused,
  };
  const comesAt = runtime.clock.now() + comesAfterMs;
  const condition = {
    text: "it to be delivered",
    reference: "edge/ConfigFile/motd",
    missing: async () => (runtime.clock.now() >= comesAt ? undefined : "version 1 is not acknowledged"),
  };
  const waiting = waitFor({ terminal, runtime }, [condition], 10_000);
  await virtual.advance(10_000);
  await waiting;
  return said;
}

it("says nothing of what comes at once, and once what it waits for otherwise", async () => {
  expect(await saidWhileWaiting(500)).toEqual([]);
  expect(await saidWhileWaiting(5_000)).toEqual([
    "waiting for it to be delivered: version 1 is not acknowledged",
  ]);
});
