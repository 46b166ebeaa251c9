// The templates of create-hawser, as their READMEs say: made by the program itself, installed, tested, started and used.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Program } from "./program.mjs";
import { run } from "./run.mjs";
import { readJson, ROOT } from "./workspace.mjs";

const TEMPLATES = join(ROOT, "apps", "create-hawser", "templates");

/**
 * Makes a project of each template and does what a newcomer does with it.
 * @param {string} folder of the empty project that has all packages
 * @param {Map<string, string>} tarballs by package
 * @param {{ node: string, env: NodeJS.ProcessEnv }} release
 * @returns {Promise<number>} how many
 */
export async function useTemplates(folder, tarballs, { node, env }) {
  const names = readdirSync(TEMPLATES);
  for (const name of names) {
    const drive = DRIVERS[name];
    if (drive === undefined) throw new Error(`nobody knows how the template ${name} is used`);
    const create = join(folder, "node_modules", "create-hawser", "bin", "create-hawser.js");
    const said = await run(node, [create, `my-${name}`, "--template", name], { cwd: folder, env });
    if (!said.includes(`cd my-${name}`)) throw new Error(`create-hawser said: ${said}`);
    const cwd = join(folder, `my-${name}`);
    takeTarballs(join(cwd, "package.json"), tarballs);
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], { cwd, env });
    await run("npm", ["test"], { cwd, env });
    await run("npm", ["run", "build"], { cwd, env });
    await drive(new Project(cwd, node, env));
  }
  return names.length;
}

/** The versions that a project begins with are not published yet: they are these files. @param {string} path @param {Map<string, string>} tarballs */
function takeTarballs(path, tarballs) {
  const manifest = readJson(path);
  const rest = new Map([...tarballs].map(([name, tarball]) => [name, `file:${tarball}`]));
  for (const group of [manifest.dependencies, manifest.devDependencies])
    for (const name of Object.keys(group ?? {})) {
      const file = rest.get(name);
      if (group === undefined || file === undefined) continue;
      group[name] = file;
      rest.delete(name);
    }
  writeFileSync(path, JSON.stringify({ ...manifest, overrides: Object.fromEntries(rest) }, undefined, 2));
}

/** A project under way. */
class Project {
  #node;
  #env;
  /** @type {Program[]} */
  #started = [];

  /** @param {string} cwd @param {string} node @param {NodeJS.ProcessEnv} env */
  constructor(cwd, node, env) {
    this.cwd = cwd;
    this.#node = node;
    this.#env = env;
  }

  /** @param {string} packageName @param {string} name */
  bin(packageName, name) {
    return join(this.cwd, "node_modules", packageName, "bin", `${name}.js`);
  }

  /** @param {string} program @param {string[]} args */
  start(program, args, settings = {}) {
    const started = new Program(this.#node, [program, ...args], this.cwd, { ...this.#env, ...settings });
    this.#started.push(started);
    return started;
  }

  /** @param {string} apiPort @param {string[]} words */
  hawser(apiPort, ...words) {
    const server = ["--server", `http://127.0.0.1:${apiPort}`];
    return run(this.#node, [this.bin("hawser", "hawser"), ...words, ...server], { cwd: this.cwd });
  }

  /** Does the work, then stops what was started, last first. @param {() => Promise<void>} work */
  async during(work) {
    try {
      await work();
      for (const program of [...this.#started].reverse()) await program.stop();
    } finally {
      for (const program of this.#started) program.kill();
    }
  }
}

/** @type {Record<string, (project: Project) => Promise<void>>} */
const DRIVERS = {
  agent: (project) =>
    project.during(async () => {
      const listen = ["--listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0"];
      const principal = project.start(project.bin("@hawser/app-principal", "hawser-principal"), [
        "--data-dir",
        "principal-data",
        ...listen,
      ]);
      const [, port, apiPort = ""] = await principal.says(
        /"listen":{[^}]*"port":(\d+)},"api":{[^}]*"port":(\d+)}/,
      );
      const agent = project.start("dist/main.js", [], { PRINCIPAL_URL: `ws://127.0.0.1:${port}` });
      await agent.says(/"connected"/);
      await project.hawser(apiPort, "apply", "-f", "folder.yaml", "--wait", "--timeout", "20s");
      const note = join(project.cwd, "folders", "letters", "note.txt");
      if (readFileSync(note, "utf8") !== "Letters that came by post.") throw new Error(`${note} is another`);
      await project.hawser(apiPort, "delete", "-f", "folder.yaml", "--wait", "--timeout", "20s");
      if (existsSync(note)) throw new Error(`${note} is still there`);
    }),

  principal: (project) =>
    project.during(async () => {
      const plane = project.start("dist/main.js", [], { PORT: "0", API_PORT: "0" });
      const [, apiPort = ""] = await plane.says(/"apiPort":(\d+).*"ready"/);
      const status = await project.hawser(apiPort, "status");
      if (!/State: +open/.test(status)) throw new Error(`hawser status said: ${status}`);
    }),
};
