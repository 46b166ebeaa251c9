import { jsonCodec } from "@hawser/protocol";
import { expect, test } from "vitest";
import { hold } from "../compliance/harness.js";
import { createMemoryStore } from "../memory-store.js";

const draft = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "com.example.run",
  resourceid: "job_1",
} as const;

/** Data with which the event takes exactly so many characters as JSON. */
function dataFor(characters: number): string {
  const empty = jsonCodec.encode({ ...draft, data: "", eventid: "1" });
  return "x".repeat(characters - empty.length);
}

test("an entry comes with its text up to 4,096 characters, and without it beyond", async () => {
  const store = createMemoryStore();
  await store.start();
  const { events: entries } = await hold(store, "a", "s", { withJson: true });
  await store.append([{ peer: "a", event: { ...draft, data: dataFor(4_096) } }]);
  await store.append([{ peer: "a", event: { ...draft, data: dataFor(4_097) } }]);
  const [short, long] = entries;
  expect(short?.json).toHaveLength(4_096);
  expect(short === undefined ? "" : jsonCodec.encode(short.event)).toBe(short?.json);
  expect(long?.version).toBe(2);
  expect(long?.json).toBeUndefined();
  await store.stop();
});
