import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readPages } from "./support/documents.js";
import { becomes } from "./support/eventually.js";
import { freePorts } from "./support/free-ports.js";
import { blocksOf } from "./support/markdown.js";
import { plainEnvironment } from "./support/programs.js";
import { ShellSession } from "./support/shell-session.js";
import { ROOT } from "./support/typescript-examples.js";

// What somebody types who has just cloned the repository: nothing is installed there, and nothing is built.

const run = promisify(execFile);
const SET_UP_MS = 900_000;

const pages = await readPages();
const inClone = (page: string): readonly string[] =>
  pages
    .flatMap(({ name, blocks }) => (name === page ? blocks : []))
    .flatMap(({ label, code }) => (label === "in-a-clone" ? [code] : []));

let folder: string;
let clone: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "hawser-clone-")));
  clone = join(folder, "hawser");
  const home = join(folder, "home");
  await mkdir(home);
  await mkdir(clone);
  // As it is here, not as it was committed: a test of what is about to be.
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  const names = join(folder, "names");
  const there = stdout.split("\0").filter((name) => name !== "" && existsSync(join(ROOT, name)));
  // Installed things are not part of a clone, not even as a link, by which this one would be installed into another.
  expect(there.filter((name) => /(^|\/)node_modules(\/|$)/.test(name))).toEqual([]);
  await writeFile(names, there.join("\0"));
  await run("bash", ["-c", `tar -C '${ROOT}' --null -T '${names}' -cf - | tar -C '${clone}' -xf -`]);
  // A home of its own, in which the package managers find what was fetched before.
  env = {
    ...plainEnvironment(),
    HOME: home,
    npm_config_cache: (await run("npm", ["config", "get", "cache"])).stdout.trim(),
    npm_config_userconfig: join(homedir(), ".npmrc"),
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
    XDG_DATA_HOME: process.env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"),
  };
}, SET_UP_MS);

afterAll(() => rm(folder, { recursive: true, force: true }), SET_UP_MS);

it(
  "npm start sets everything up and shows it, until Ctrl-C",
  async () => {
    const [command = "false"] = inClone("quick-start.md");
    // A process group of its own, as a terminal would give it one.
    const child = spawn("bash", ["-c", `exec ${command}`], { cwd: clone, env, detached: true });
    const closed = once(child, "close");
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    try {
      const isUp = (): boolean => said.includes("until you press Ctrl-C") || child.exitCode !== null;
      await becomes("the demo is up", isUp, SET_UP_MS);
    } finally {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
      await closed;
    }
    expect(said).toMatch(/^demo: converged agents=3 .* lost=0$/m);
  },
  SET_UP_MS,
);

it.each([
  ["quick-start.md", "hawser-try", 1],
  ["protocol.md", "hawser-protocol", 0],
])(
  "docs/%s: the commands are on the path, in the empty folder %s",
  async (page, name, index) => {
    const shell = new ShellSession(clone, env, SET_UP_MS);
    try {
      await shell.run(inClone(page)[index] ?? "false");
      const said = await shell.run(
        "pwd; ls -A; command -v hawser hawser-principal hawser-agent; hawser --version",
      );
      const bin = join(clone, "node_modules", ".bin");
      const commands = ["hawser", "hawser-principal", "hawser-agent"].map((command) => join(bin, command));
      expect(said.trim().split("\n")).toEqual([
        join(folder, "home", name),
        ...commands,
        expect.stringMatching(/^\d+\.\d+\.\d+$/),
      ]);
      if (page === "protocol.md") expect(await shell.run('echo "$HAWSER_REPOSITORY"')).toBe(`${clone}\n`);
    } finally {
      await shell.end();
    }
  },
  SET_UP_MS,
);

it(
  "README.md, as a service: applied, and there",
  async () => {
    const blocks = blocksOf(await readFile(join(ROOT, "README.md"), "utf8"));
    const manifest = blocks.find(
      ({ language, code }) => language === "yaml" && code.startsWith("agent: edge-1"),
    );
    await writeFile(join(clone, "manifest.yaml"), manifest?.code ?? "");
    const commands = blocks.find(({ code }) => code.includes("npx hawser-principal"))?.code ?? "false";
    // The ports of the README may be taken on this machine.
    const [listen = "", api = ""] = await freePorts(2);
    const shell = new ShellSession(
      clone,
      {
        ...env,
        HAWSER_PRINCIPAL_LISTEN: `127.0.0.1:${listen}`,
        HAWSER_PRINCIPAL_API_LISTEN: `127.0.0.1:${api}`,
        HAWSER_SERVER: `http://127.0.0.1:${api}`,
      },
      SET_UP_MS,
    );
    try {
      expect(await shell.run(commands.replaceAll("7480", listen).replaceAll("7481", api))).toMatch(
        /ConfigFile\/\S+/,
      );
    } finally {
      await shell.end();
    }
  },
  SET_UP_MS,
);
