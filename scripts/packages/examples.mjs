// The examples, as their READMEs say they are run: each against the real thing, and against one another.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Program } from "./program.mjs";
import { run } from "./run.mjs";
import { readJson, ROOT } from "./workspace.mjs";

const HOME = join(ROOT, "examples");
const LISTENING = /listening on (\d+)/;

/** Those that take packages of ours; the agent in Python takes none, and has a test of its own. */
const names = readdirSync(HOME).filter((name) => existsSync(join(HOME, name, "package.json")));

/** What they need besides our packages. */
export function exampleDependencies() {
  const manifests = names.map((name) => readJson(join(HOME, name, "package.json")));
  return Object.fromEntries(
    manifests
      .flatMap(({ dependencies, devDependencies }) => Object.entries({ ...dependencies, ...devDependencies }))
      .filter(([name]) => !/^(hawser|@hawser\/.*|typescript)$/.test(name)),
  );
}

/** Lays their programs out for the compiler. @param {string} folder */
export function writeExamples(folder) {
  for (const name of names) {
    const programs = join(folder, "src", "examples", name);
    mkdirSync(programs, { recursive: true });
    for (const file of readdirSync(join(HOME, name)))
      if (file.endsWith(".ts")) cpSync(join(HOME, name, file), join(programs, file));
  }
}

/** Runs every one of them. @param {string} folder @param {string} node @returns {Promise<number>} how many */
export async function runExamples(folder, node) {
  for (const name of names) {
    const drive = DRIVERS[name];
    if (drive === undefined) throw new Error(`nobody knows how examples/${name} is run`);
    await drive(new Example(folder, name, node));
  }
  return names.length;
}

/** One example under way. */
class Example {
  #folder;
  #name;
  #node;
  #cwd;
  /** @type {Program[]} */
  #started = [];

  /** @param {string} folder @param {string} name @param {string} node */
  constructor(folder, name, node) {
    this.#folder = folder;
    this.#name = name;
    this.#node = node;
    this.#cwd = mkdtempSync(join(folder, `${name}-`));
  }

  /** @param {string} program */
  own(program) {
    return join(this.#folder, "out", "examples", this.#name, `${program}.js`);
  }

  /** @param {string} packageName @param {string} bin */
  installed(packageName, bin) {
    return join(this.#folder, "node_modules", packageName, "bin", bin);
  }

  /** @param {string} program @param {string[]} args */
  start(program, ...args) {
    const started = new Program(this.#node, [program, ...args], join(this.#cwd, `${this.#started.length}`));
    this.#started.push(started);
    return started;
  }

  /** @param {string} program @param {string[]} args */
  run(program, ...args) {
    return run(this.#node, [program, ...args], { cwd: this.#cwd, timeoutMs: 60_000 });
  }

  /** Does the work, then stops what was started, last first. @param {() => Promise<void>} work */
  async during(work) {
    const before = this.#started.length;
    try {
      await work();
      for (const program of this.#started.slice(before).reverse()) await program.stop();
    } finally {
      for (const program of this.#started.slice(before)) program.kill();
    }
  }
}

/** @type {Record<string, (example: Example) => Promise<void>>} */
const DRIVERS = {
  async "custom-agent"(example) {
    const principal = example.installed("@hawser/app-principal", "hawser-principal.js");
    const hawser = example.installed("hawser", "hawser.js");
    await example.during(async () => {
      const served = example.start(principal, "--listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0");
      const [, port, apiPort] = await served.says(/"listen":{[^}]*"port":(\d+)},"api":{[^}]*"port":(\d+)}/);
      await example.start(example.own("agent"), `ws://127.0.0.1:${port}`).says(/connected/);
      const server = ["--server", `http://127.0.0.1:${apiPort}`];
      const manifest = join(HOME, "custom-agent", "folder.yaml");
      await example.run(hawser, "apply", "-f", manifest, "--wait", "--timeout", "20s", ...server);
      const { status } = JSON.parse(
        await example.run(hawser, "get", "files-1/Folder/letters", "-o", "json", ...server),
      );
      if (status?.state !== "made") throw new Error(`the folder's status is ${JSON.stringify(status)}`);
    });
  },

  async "custom-principal"(example) {
    await example.during(async () => {
      const principal = example.start(example.own("principal"), "0");
      const [, port] = await principal.says(LISTENING);
      const room = example.start(example.own("room"), `ws://127.0.0.1:${port}`);
      await room.says(/heater is on[^]*heater is off/);
      await principal.says(/16.5 degrees[^]*20.5 degrees/);
    });
  },

  async "foreign-transport"(example) {
    await example.during(async () => {
      const receiver = example.start(example.own("receiver"), "0");
      const [, port = ""] = await receiver.says(LISTENING);
      const said = await example.run(example.own("sender"), port);
      if (!/^12 events arrived, (1[3-9]|[2-9]\d) were sent$/m.test(said)) throw new Error(`it said: ${said}`);
      for (const table of [1, 2]) {
        const orders = [1, 3, 5, 7, 9, 11].map((order) => `table_${table}: order-${order + table - 1}\n`);
        await receiver.says(new RegExp(orders.join("[^]*")));
      }
    });
  },

  async "mounted-principal"(example) {
    const ada = { authorization: "Bearer a-session-of-ada", "content-type": "application/json" };
    for (const host of ["express", "fastify", "hono"])
      await example.during(async () => {
        const principal = example.start(example.own(host), "0");
        const [, port] = await principal.says(LISTENING);
        const agent = example.start(example.own("agent"), `ws://127.0.0.1:${port}/agents`);
        const note = `http://127.0.0.1:${port}/control/hawser/v1/agents/edge-1/resources/Note/today`;
        const body = JSON.stringify({ spec: { text: "hello" } });
        const statuses = [];
        for (const headers of [{}, ada])
          statuses.push((await fetch(note, { method: "PUT", headers, body })).status);
        if (String(statuses) !== "401,201") throw new Error(`${host} answered with ${statuses.join(", ")}`);
        await agent.says(/today: {"text":"hello"}/);
      });
  },

  async "plain-cloudevents"(example) {
    await example.during(async () => {
      const server = example.start(example.own("server"), "0");
      const [, port] = await server.says(LISTENING);
      const said = await example.run(example.own("client"), `ws://127.0.0.1:${port}/events/v1/connect`);
      if (!said.includes("com.example.pong.v1 from /server")) throw new Error(`it said: ${said}`);
      await server.says(/com.example.ping.v1 from \/client[^]*connection is closed/);
    });
  },
};
