// Stages that run for long: attacks, faults and storms, and the tests of `npm test` with more seeds, more rounds, more inputs. `npm run test:long` lists them, `-- NAME` runs one, `-- all` all of them; `--slice` runs a
// few minutes of it, for CI, with other seeds each time. Ends with one line of counts.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** @typedef {{ about: string, files: string[], whole: () => Record<string, string>, slice: () => Record<string, string> }} Stage */

/** Seeds that no earlier run is likely to have tried. @param {number} count */
const seeds = (count) => {
  const first = randomInt(1_000_000, 2 ** 31 - count);
  return { HAWSER_SEEDS: `${first}..${first + count - 1}` };
};

/** @type {Record<string, Stage>} */
const STAGES = {
  fuzz: {
    about:
      "1,000,000 damaged inputs for each decoder, the HTTP API, each port (in 100,000 connections) and an agent",
    files: ["e2e/fuzz"],
    whole: () => ({ HAWSER_FUZZ_INPUTS: "1000000" }),
    slice: () => ({ HAWSER_FUZZ_INPUTS: "10000" }),
  },
  seeds: {
    about: "20,000 seeds of the simulation of the whole system with one principal",
    files: ["e2e/simulation/seeds-"],
    whole: () => seeds(20_000),
    slice: () => seeds(60),
  },
  principals: {
    about: "1,000 seeds of the simulation with two and three principals over one store; five minutes",
    files: ["e2e/simulation/principals-"],
    whole: () => seeds(1_000),
    slice: () => seeds(60),
  },
  kills: {
    about:
      "500 times SIGKILL of principal and agents, over each transport, and of an agent that programs hand events, and 100 times of a store alone",
    files: [
      "e2e/crash.alone.test.ts",
      "e2e/agent-send.test.ts",
      "packages/store-journal/src/crash.slow.test.ts",
    ],
    whole: () => ({ HAWSER_CRASH_ROUNDS: "500" }),
    slice: () => ({ HAWSER_CRASH_ROUNDS: "12" }),
  },
  sinks: {
    about:
      "300 times SIGKILL of the principal while agents report and receivers hang, fail, throttle and break off",
    files: ["e2e/sinks.test.ts"],
    whole: () => ({ HAWSER_SINK_ROUNDS: "300" }),
    slice: () => ({ HAWSER_SINK_ROUNDS: "15" }),
  },
  python: {
    about: "100 times SIGKILL of the agent in Python that was made of PROTOCOL.md, or of its principal",
    files: ["e2e/python-agent.test.ts"],
    whole: () => ({ HAWSER_PYTHON_ROUNDS: "100" }),
    slice: () => ({ HAWSER_PYTHON_ROUNDS: "10" }),
  },
  attacks: {
    about: "every attack we know, with a healthy agent and newcomers beside it; five minutes",
    files: ["e2e/attacks-"],
    whole: () => ({}),
    slice: () => ({}),
  },
  faults: {
    about:
      "faults of the network over each transport, and what is found of them on a quiet connection; four minutes",
    files: ["e2e/faults"],
    whole: () => ({}),
    slice: () => ({}),
  },
  storms: {
    about:
      "2,000 agents that are handed over, that come back after a restart and after a SIGKILL; two minutes",
    files: ["e2e/storm.long.test.ts"],
    whole: () => ({}),
    slice: () => ({}),
  },
};

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {Stage} stage @param {Record<string, string>} parameters */
function run({ files }, parameters) {
  const folder = mkdtempSync(join(tmpdir(), "hawser-long-"));
  const report = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(
    join(root, "node_modules", ".bin", "vitest"),
    ["run", ...reporters, ...files],
    {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ...parameters },
    },
  );
  try {
    const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(report, "utf8"));
    return { passed, failed, ok: status === 0 };
  } catch {
    return { passed: 0, failed: 0, ok: false };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { slice: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => name !== "all" && !Object.hasOwn(STAGES, name));
if (positionals.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`test:long: there is no stage '${name}'`);
  console.log("npm run test:long -- NAME... [--slice], or all\n");
  for (const [name, { about }] of Object.entries(STAGES)) console.log(`  ${name.padEnd(10)} ${about}`);
  process.exit(unknown.length === 0 ? 0 : 2);
}

spawnSync(process.execPath, [join(root, "scripts", "setup.mjs")], { cwd: root, stdio: "inherit" });
const counts = [];
let ok = true;
for (const [name, stage] of Object.entries(STAGES)) {
  if (!positionals.includes(name) && !positionals.includes("all")) continue;
  const parameters = values.slice ? stage.slice() : stage.whole();
  console.log(`test:long: ${name}, ${new URLSearchParams(parameters)}`);
  const result = run(stage, parameters);
  ok &&= result.ok;
  counts.push(`${name} ${result.passed} passed, ${result.failed} failed`);
}
console.log(`long: ${counts.join("; ")}`);
process.exit(ok ? 0 : 1);
