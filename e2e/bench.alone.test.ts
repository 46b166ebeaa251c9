import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../bench/dist/main.js", import.meta.url));
const SMALL =
  "delivery --json --quick --agents 1,2 --windows 1,4 --rounds 1 --measure-ms 300 --pending-events 2000 --pending-agents 20 --pending-rounds 1";
const number = expect.any(Number);

/** The last line of what a bench prints. */
async function lastLine(args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [program, ...args], { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

// The shape of what programs read. The figures are the bench's business: a timed test would measure the machine.
it("npm run bench -- delivery --json ends with one line of the promised shape", async () => {
  const last = await lastLine(SMALL.split(" "));
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

it("npm run bench -- tracing --json ends with one line of the promised shape", async () => {
  expect(await lastLine(["tracing", "--json", "--quick"])).toEqual({
    idleChannelNs: number,
    cpuUsPerEvent: { off: number, unsampled: number, sampled: number },
  });
});

it("npm run bench -- startup --json ends with one line of the promised shape", async () => {
  const spread = { median: number, min: number, max: number };
  const commands = [
    "node -e 0",
    "hawser --version",
    "hawser agents",
    "hawser get edge-<TAB>",
    "hawser --help",
  ];
  expect(await lastLine(["startup", "--json", "--quick"])).toEqual({
    startup: commands.map((what) => ({ what, ms: spread, peakMb: spread })),
  });
});

it("npm run bench -- api --json ends with one line of the promised shape", async () => {
  const request = { what: expect.any(String), p50Ms: number, p99Ms: number, bytes: number };
  const churn = { connectsPerSecond: number, toldPerSecond: number, listP99Ms: number };
  const late = { lagP99Ms: number, lagMaxMs: number };
  expect(await lastLine(["api", "--json", "--quick"])).toEqual({
    api: [
      {
        known: 200,
        requests: Array.from({ length: 9 }, () => request),
        firstSync: { ms: number, bytes: number },
        churn: [0, 2].map((readers) => ({ readers, ...churn, ...late })),
      },
    ],
  });
});

it("npm run bench -- storm --json ends with one line of the promised shape, and draws it; Hawser loses nothing and applies nothing twice", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-bench-test-"));
  const svg = join(directory, "storm.svg");
  try {
    const last = await lastLine(["storm", "--json", "--quick", "--agents", "60", "--svg", svg]);
    const row = { agents: 60, allBackSeconds: number, meanPerSecond: number, lagP99Ms: number };
    const theirs = { ...row, busiestSecond: number, lost: number, appliedTwice: 0 };
    expect(last).toEqual({
      storm: [
        { ...theirs, client: "hawser", lost: 0 },
        { ...theirs, client: "naive" },
        { ...theirs, client: "socket.io" },
      ],
      rotation: { steadyP99Ms: number, rotatingP99Ms: number },
    });
    const drawn = await readFile(svg, "utf8");
    expect(drawn.match(/class="bar"/g)?.length).toBeGreaterThanOrEqual(6);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
