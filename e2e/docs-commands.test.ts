import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCommandFolder } from "./support/command-folder.js";
import { readPages } from "./support/documents.js";
import { pythonMissing } from "./support/foreign-python.js";
import { freePorts } from "./support/free-ports.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { cloudCommandMissing, recordCloud } from "./support/recorded-cloud.js";
import { ShellSession } from "./support/shell-session.js";
import { ROOT, TypeScriptExamples } from "./support/typescript-examples.js";
import {
  createSharedFleet,
  createTestFleet,
  watchSharedFleet,
  type TestFleet,
} from "./support/test-fleet.js";

// What a reader of docs/ would type and compile, from top to bottom, each page in one terminal and an empty folder.

/** Ports the pages name; others stand for them here, as these may be taken on this machine. */
const NAMED_PORTS = ["7480", "7481"] as const;
/** What every reader has, and not every machine that builds. */
const NEEDED = ["bash", "curl", "openssl"];

const absent = NEEDED.filter((name) => spawnSync(name, ["--version"]).error !== undefined);
const withoutPython = pythonMissing();
const withoutCloud = cloudCommandMissing();
const pages = await readPages();

/** The cloud's own command line takes it, and asks for a new deployment and nothing else. */
async function expectDeployment(shell: ShellSession, command: string): Promise<void> {
  const cloud = await recordCloud();
  try {
    await shell.run(`${cloud.settings}\n${command}`);
  } finally {
    await cloud.stop();
  }
  const parameters = { cluster: "site", service: "hawser-principal", forceNewDeployment: true };
  expect(cloud.calls).toEqual([{ action: "AmazonEC2ContainerServiceV20141113.UpdateService", parameters }]);
}

for (const { name, blocks } of pages) {
  const isFile = (language: string, label: string): boolean => label !== "" && !/^(ts|js|sh)$/.test(language);
  // What is typed in a clone of the repository is typed there by fresh-clone.alone.test.ts.
  const steps = blocks.filter(
    ({ language, label }) => (language === "sh" && label !== "in-a-clone") || isFile(language, label),
  );
  if (steps.length === 0) continue;
  const why = absent.length === 0 ? "" : ` (skipped: there is no ${absent.join(", no ")})`;

  describe.skipIf(absent.length > 0)(`the commands of docs/${name}${why}`, () => {
    let fleet: TestFleet;
    let shell: ShellSession;
    let ports: readonly string[];
    watchSharedFleet(() => fleet);

    beforeAll(async () => {
      fleet = await createSharedFleet();
      ports = await freePorts(NAMED_PORTS.length);
      const { principal, agent, cli } = PROGRAMS;
      const commands = { "hawser-principal": principal, "hawser-agent": agent, hawser: cli };
      const env = await createCommandFolder(fleet.path("bin"), commands);
      const home = fleet.path("home");
      await mkdir(home);
      const [listen, api] = ports.map((port) => `127.0.0.1:${port}`);
      // What a reader has by default.
      const defaults = {
        HAWSER_PRINCIPAL_LISTEN: listen,
        HAWSER_PRINCIPAL_API_LISTEN: api,
        HAWSER_SERVER: `http://${api}`,
      };
      shell = new ShellSession(home, { ...env, ...defaults, HOME: home, HAWSER_REPOSITORY: ROOT });
    });
    afterAll(() => shell.end());

    for (const { language, label, line, code } of steps) {
      it(`line ${line}: ${language} ${label}`, async ({ skip }) => {
        if (label === "python" && withoutPython !== undefined) skip(withoutPython);
        if (label === "aws" && withoutCloud !== undefined) skip(withoutCloud);
        if (label === "aws") return expectDeployment(shell, code);
        const own = NAMED_PORTS.reduce(
          (text, port, index) => text.replaceAll(port, ports[index] ?? port),
          code,
        );
        if (language === "sh") await shell.run(own);
        else await writeFile(fleet.path("home", label), own);
      });
    }
  });
}

describe("the examples in TypeScript", () => {
  const examples = pages.flatMap(({ name, blocks }) =>
    blocks
      .filter(({ language }) => language === "ts")
      .map(({ line, code }) => {
        const file = join(ROOT, "e2e", ".hawser", "docs", `${name.replace(".md", "")}-${line}`);
        return { title: `docs/${name}, line ${line}`, code, file };
      }),
  );
  const compiled = new TypeScriptExamples("docs", examples);
  beforeAll(() => compiled.compile(), 120_000);
  afterAll(() => compiled.remove());

  for (const { title, file } of examples) {
    it(`${title}: compiles, runs and ends`, async () => {
      expect(compiled.complaintsAbout(file)).toEqual([]);
      const fleet = await createTestFleet();
      const { code, stderr } = await runProgram(`${file}.js`, [], { cwd: fleet.directory });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    });
  }

  it("the compiler has nothing else to say", () => {
    expect(compiled.otherComplaints()).toEqual([]);
  });
});
