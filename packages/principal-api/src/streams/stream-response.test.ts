import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { KEEP_ALIVE_MS, streamResponse } from "./stream-response.js";
import type { StreamPiece, StreamSource } from "./stream-source.js";

/** A source that is woken for what others want to know. */
class WokenForOthers implements StreamSource {
  readonly position = "7";
  piece: StreamPiece = { kind: "idle" };
  wake: () => void = () => {};

  next(): StreamPiece {
    return this.piece;
  }

  onceReady(wake: () => void): () => void {
    this.wake = wake;
    return () => (this.wake = () => {});
  }

  close(): void {}
}

it("says that it is alive, however often its source wakes without a word for its reader", async () => {
  const world = createVirtualRuntime({ seed: 1 });
  const source = new WokenForOthers();
  const { body } = streamResponse(source, {
    timers: world.runtime.timers,
    ending: new AbortController().signal,
    onEnded: () => {},
    onFailed: () => {},
  });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  const heard: string[] = [];
  for (let times = 0; times < 2; times += 1) {
    const told = reader?.read().then(({ value }) => heard.push(`${world.now()}: ${value}`));
    for (let wokenMs = 0; wokenMs < KEEP_ALIVE_MS; wokenMs += 1_000) {
      source.wake();
      await world.advance(1_000);
    }
    await told;
  }
  expect(heard).toEqual([1, 2].map((times) => `${times * KEEP_ALIVE_MS}: : keep-alive\nid: 7\n\n`));

  const last = reader?.read();
  source.piece = { kind: "end", text: "bye" };
  source.wake();
  expect(await last).toMatchObject({ value: "bye" });
  await reader?.read();
  expect(world.pendingTimers).toBe(0);
});
