import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { createPrincipal } from "@hawser/principal";
import { createApiServer } from "@hawser/principal-api";
import { createMemoryStore } from "@hawser/store";
import { wholeNumber } from "../bench-options.js";
import { roundedSpread, type Spread } from "../spread.js";
import { TELL_PEAK, timedRun } from "./timed-run.js";

const FULL_ROUNDS = 20;
const QUICK_ROUNDS = 2;
const HAWSER = join(
  dirname(createRequire(import.meta.url).resolve("hawser/package.json")),
  "bin",
  "hawser.js",
);

interface StartRow {
  readonly what: string;
  readonly ms: Spread;
  /** Resident memory at its peak. */
  readonly peakMb: Spread;
}

/** How long somebody waits for a command of the command line that has next to nothing to do, and what it takes of memory. */
export async function startup(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "boolean" }, quick: { type: "boolean" }, rounds: { type: "string" } },
    strict: true,
  });
  const rounds = wholeNumber("rounds", values.rounds, values.quick === true ? QUICK_ROUNDS : FULL_ROUNDS);
  const rows = await measure(rounds);
  const print = values.json === true ? console.error : console.log;
  for (const { what, ms, peakMb } of rows)
    print(`${what.padEnd(24)} ${text(ms, "ms").padEnd(30)} peak ${text(peakMb, "MB")}`);
  if (values.json === true) console.log(JSON.stringify({ startup: rows }));
}

/** All take turns, so that all see the same machine; the first round reads the files from the disk and does not count. */
async function measure(rounds: number): Promise<readonly StartRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "hawser-bench-"));
  const store = createMemoryStore();
  const principal = createPrincipal({ store, acceptors: [] });
  const api = createApiServer({ host: "127.0.0.1", port: 0, principal });
  try {
    await store.start();
    await principal.start();
    const { port } = await api.start();
    const tellPeak = join(folder, "tell-peak.cjs");
    await writeFile(tellPeak, TELL_PEAK);
    const server = ["--server", `http://127.0.0.1:${port}`];
    const lines: readonly (readonly [what: string, args: readonly string[]])[] = [
      ["node -e 0", ["-e", "0"]],
      ["hawser --version", [HAWSER, "--version"]],
      ["hawser agents", [HAWSER, "agents", ...server]],
      ["hawser get edge-<TAB>", [HAWSER, "__complete", "--", ...server, "get", "edge-"]],
      ["hawser --help", [HAWSER, "--help"]],
    ];
    const found = lines.map(([what, args]) => ({ what, args, ms: [] as number[], peakMb: [] as number[] }));
    for (let round = 0; round <= rounds; round += 1) {
      for (const { args, ms, peakMb } of found) {
        const run = await timedRun(["--require", tellPeak, ...args]);
        if (round === 0) continue;
        ms.push(run.ms);
        peakMb.push(run.peakMb);
      }
    }
    return found.map(({ what, ms, peakMb }) => ({
      what,
      ms: roundedSpread(ms),
      peakMb: roundedSpread(peakMb),
    }));
  } finally {
    await api.stop();
    await principal.stop();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function text({ median, min, max }: Spread, unit: string): string {
  return `${median} ${unit} (${min} to ${max})`;
}
