import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { runProgram } from "./support/programs.js";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Ignored by git. Below each package, so that its examples see what the package sees. */
const FOLDER = join(".hawser", "readme-examples");

interface Example {
  readonly readme: string;
  readonly line: number;
  readonly code: string;
  /** Without its ending. */
  readonly file: string;
}

function blocksOf(readme: string, label: string, home: string): readonly Example[] {
  const path = join(ROOT, readme);
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const blocks = [...text.matchAll(/^```ts (\w+)\n([\s\S]*?)^```$/gm)];
  return blocks
    .filter((block) => block[1] === label)
    .map((block, index) => ({
      readme,
      line: text.slice(0, block.index).split("\n").length,
      code: block[2] ?? "",
      file: join(ROOT, home, FOLDER, `${label}-${index + 1}`),
    }));
}

/** Each package's README has to have one that ends by itself. */
const packages = readdirSync(join(ROOT, "packages"))
  .map((name) => join("packages", name))
  .filter((path) => existsSync(join(ROOT, path, "package.json")));
const examples = packages.map((path) => {
  const readme = join(path, "README.md");
  return [readme, blocksOf(readme, "example", path)] as const;
});
/** The two programs of the README of it all; they see what the e2e tests see. */
const library = ["principal", "agent"].map((label) => blocksOf("README.md", label, "e2e"));
const all = [...examples.flatMap(([, found]) => found), ...library.flat()];
const settings = join(ROOT, FOLDER, "tsconfig.json");
let complaints: readonly string[] = [];
let cwd = "";

async function removeFolders(): Promise<void> {
  const homes = new Set(all.map(({ file }) => dirname(file)).concat(dirname(settings)));
  for (const home of homes) {
    await rm(home, { recursive: true, force: true });
    // What is above it stays when something else is kept there.
    await rmdir(dirname(home)).catch(() => {});
  }
}

beforeAll(async () => {
  await removeFolders();
  cwd = await mkdtemp(join(tmpdir(), "hawser-readme-"));
  for (const { file, code } of all) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.ts`, code);
  }
  await mkdir(dirname(settings), { recursive: true });
  const compilerOptions = {
    composite: false,
    incremental: false,
    declaration: false,
    sourceMap: false,
    rootDir: ROOT,
  };
  await writeFile(
    settings,
    JSON.stringify({
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions,
      files: all.map(({ file }) => `${file}.ts`),
    }),
  );
  // Against the built packages, as somebody who installed them would.
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const output = await run(process.execPath, [tsc, "-p", settings, "--pretty", "false"], { cwd: ROOT }).then(
    ({ stdout }) => stdout,
    (failed: { readonly stdout: string }) => failed.stdout,
  );
  complaints = output.split("\n").filter((line) => line !== "");
}, 120_000);

afterAll(async () => {
  await removeFolders();
  await rm(cwd, { recursive: true, force: true });
});

function expectCompiled(file: string): void {
  const own = `${relative(ROOT, file)}.ts(`;
  expect(complaints.filter((complaint) => complaint.startsWith(own))).toEqual([]);
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
    const { code, stderr } = await runProgram(`${file}.js`, [], { cwd });
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
  const files = all.map(({ file }) => `${relative(ROOT, `${file}.ts`)}(`);
  expect(complaints.filter((complaint) => !files.some((file) => complaint.startsWith(file)))).toEqual([]);
});
