import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { blocksOf } from "./support/markdown.js";
import { runProgram } from "./support/programs.js";
import { ROOT, TypeScriptExamples } from "./support/typescript-examples.js";

const FOLDER = "readme-examples";
/** What a library of the cloud says about the age of this Node is not about the example. */
const env = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

interface Example {
  readonly readme: string;
  readonly line: number;
  readonly code: string;
  /** Without its ending. */
  readonly file: string;
}

function examplesOf(readme: string, label: string, home: string): readonly Example[] {
  const path = join(ROOT, readme);
  if (!existsSync(path)) return [];
  return blocksOf(readFileSync(path, "utf8"))
    .filter((block) => block.language === "ts" && block.label === label)
    .map(({ line, code }, index) => ({
      readme,
      line,
      code,
      file: join(ROOT, home, ".hawser", FOLDER, `${label}-${index + 1}`),
    }));
}

/** Each package's README has to have one that ends by itself. */
const packages = readdirSync(join(ROOT, "packages"))
  .map((name) => join("packages", name))
  .filter((path) => existsSync(join(ROOT, path, "package.json")));
const examples = packages.map((path) => {
  const readme = join(path, "README.md");
  return [readme, examplesOf(readme, "example", path)] as const;
});
/** The two programs of the README of it all; they see what the e2e tests see. */
const library = ["principal", "agent"].map((label) => examplesOf("README.md", label, "e2e"));
const all = [...examples.flatMap(([, found]) => found), ...library.flat()];
const compiled = new TypeScriptExamples(FOLDER, all);
let cwd = "";

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "hawser-readme-"));
  await compiled.compile();
}, 120_000);

afterAll(async () => {
  await compiled.remove();
  await rm(cwd, { recursive: true, force: true });
});

function expectCompiled(file: string): void {
  expect(compiled.complaintsAbout(file)).toEqual([]);
}

/** Runs a program that does not end by itself, until the test does. */
function start(file: string): { output: string } {
  const child = spawn(process.execPath, [file], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const said = { output: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (said.output += chunk));
  onTestFinished(async () => {
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  });
  return said;
}

describe.each(examples)("the example of %s", (_readme, found) => {
  it("is there", () => {
    expect(found.length).toBeGreaterThan(0);
  });

  it.each(found)("compiles and runs: line $line", async ({ readme, line, file }) => {
    expectCompiled(file);
    const { code, stderr } = await runProgram(`${file}.js`, [], { cwd, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    console.log(`readme-examples: ran ${readme}:${line}`);
  });
});

describe("the library section of README.md", () => {
  it("has a principal and an agent", () => {
    expect(library.map((found) => found.length)).toEqual([1, 1]);
  });

  it("they compile, and what the one puts the other is given", async () => {
    const [principal, agent] = library.flat();
    if (principal === undefined || agent === undefined) throw new Error("they are not there");
    for (const { file } of [principal, agent]) expectCompiled(file);
    // The port of the README may be taken on this machine: the system chooses one, and the agent is told.
    await rewrite(principal, [
      ["port: 7480", "port: 0"],
      ["await principal.start()", 'console.log("port", (await principal.start()).address.port)'],
    ]);
    const served = start(`${principal.file}.js`);
    const port = await eventually("the principal serves", () => /^port (\d+)$/m.exec(served.output)?.[1]);
    await rewrite(agent, [["127.0.0.1:7480", `127.0.0.1:${port}`]]);
    const handled = start(`${agent.file}.js`);
    await becomes("the agent is greeted", () => handled.output.includes("greeting { text: 'Ahoy' }"));
    for (const { readme, line } of [principal, agent]) console.log(`readme-examples: ran ${readme}:${line}`);
  });

  async function rewrite({ file }: Example, changes: readonly (readonly [string, string])[]): Promise<void> {
    let code = await readFile(`${file}.js`, "utf8");
    for (const [from, to] of changes) {
      expect(code).toContain(from);
      code = code.replace(from, to);
    }
    await writeFile(`${file}.js`, code);
  }
});

it("the compiler has nothing else to say", () => {
  expect(compiled.otherComplaints()).toEqual([]);
});
