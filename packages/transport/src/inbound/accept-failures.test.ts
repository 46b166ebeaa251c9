import { entryLogger, type Logger } from "@hawser/runtime";
import { expect, it } from "vitest";
import { AcceptFailures } from "./accept-failures.js";

function recorded(): { readonly logger: Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { lines, logger: entryLogger("info", (entry) => lines.push(entry)) };
}

it("says it once, and a minute later again with how often it was left out", () => {
  const { logger, lines } = recorded();
  let now = 0;
  const failures = new AcceptFailures({ logger, clock: { now: () => now, wallTime: () => 0 } });
  for (let n = 0; n < 1_000; n += 1) failures.tell({ port: "agents" }, "cannot accept");
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "error", msg: "cannot accept", port: "agents" });
  expect(lines[0]).not.toHaveProperty("suppressed");
  now = 59_000;
  failures.tell({}, "cannot accept");
  expect(lines).toHaveLength(1);
  now = 60_000;
  failures.tell({}, "cannot accept");
  expect(lines[1]).toMatchObject({ suppressed: 1_000 });
});
