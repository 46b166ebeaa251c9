import { createLogger, type Logger } from "@hawser/runtime";
import { createServer, connect } from "node:net";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { AcceptFailures, descriptorOf } from "./accept-failures.js";

function recorded(): { readonly logger: Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { lines, logger: createLogger({ write: (line) => lines.push(JSON.parse(line)) }) };
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

it.skipIf(process.platform === "win32")(
  "knows the descriptor of a socket as long as it is open",
  async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const bound = server.address();
    const socket = connect(typeof bound === "object" && bound !== null ? bound.port : 0, "127.0.0.1");
    await once(socket, "connect");
    expect(descriptorOf(socket)).toBeGreaterThan(2);
    socket.destroy();
    await once(socket, "close");
    expect(descriptorOf(socket)).toBeUndefined();
  },
);
