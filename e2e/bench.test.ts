import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../bench/dist/main.js", import.meta.url));
const SMALL =
  "delivery --json --quick --agents 1,2 --windows 1,4 --rounds 1 --measure-ms 300 --pending-events 2000 --pending-agents 20 --pending-rounds 1";
const number = expect.any(Number);

// The shape of what programs read. The figures are the bench's business: a timed test would measure the machine.
it("npm run bench -- delivery --json ends with one line of the promised shape", async () => {
  const { stdout } = await run(process.execPath, [program, ...SMALL.split(" ")], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const last: unknown = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  const rows = ["ws-json", "ws-proto", "grpc"].flatMap((transport) =>
    [1, 2].flatMap((agents) =>
      [1, 4].map((window) => ({
        transport,
        agents,
        window,
        ackedPerSecond: number,
        p50Ms: number,
        p99Ms: number,
        rawPerSecond: number,
        ratio: number,
      })),
    ),
  );
  expect(last).toEqual({ delivery: rows, pendingCostRatio: number, pendingMemoryMb: number });
});
