import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { createCommandFolder } from "./support/command-folder.js";
import { becomes } from "./support/eventually.js";
import { blocksOf } from "./support/markdown.js";
import { PROGRAMS } from "./support/programs.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

const run = promisify(execFile);
const readme = await readFile(fileURLToPath(new URL("../apps/cli/README.md", import.meta.url)), "utf8");
const blocks = blocksOf(readme);
const blockOf = (wanted: string): string =>
  blocks.find(({ language, label }) => `${language} ${label}` === wanted)?.code ?? "";
const linesOf = (label: string): readonly string[] => blockOf(label).split("\n").filter(Boolean);

let fleet: TestFleet;
let env: NodeJS.ProcessEnv;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  await (await fleet.agent("edge-json")).start();
  const tasks = { transport: "grpc", args: ["--task-allow-any-command"] } as const;
  await (await fleet.agent("edge-grpc", tasks)).start();
  await fleet.connected("edge-json");
  await fleet.connected("edge-grpc");
  await writeFile(fleet.path("site.yaml"), blockOf("yaml manifest"));
  env = {
    ...(await createCommandFolder(fleet.path("bin"), { hawser: PROGRAMS.cli })),
    HAWSER_SERVER: fleet.api.server,
    HAWSER_CONFIG: fleet.path("config.yaml"),
  };
});

describe("the examples of the command line's README", () => {
  // In their order: the later ones need what the earlier ones made.
  it.each(linesOf("sh run"))("%s", async (line) => {
    await run("bash", ["-c", line], { env, cwd: fleet.directory });
  });

  it("hawser dev, until Ctrl-C", async () => {
    const [line = ""] = linesOf("sh until-interrupted");
    // The ports of the README may be taken on this machine.
    const command = `exec ${line} --listen 127.0.0.1:0 --api-listen 127.0.0.1:0`;
    const child = spawn("bash", ["-c", command], { env, cwd: fleet.directory });
    const ended = once(child, "close");
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
    try {
      await becomes("it says what to type", () => said.includes("until you press Ctrl-C"));
    } finally {
      child.kill("SIGINT");
      await ended;
    }
    expect({ code: child.exitCode, said }).toMatchObject({
      code: 0,
      said: expect.stringContaining("all have ended"),
    });
  });

  it("with a service that is stopped", async () => {
    await fleet.principal.stop();
    for (const line of linesOf("sh stopped")) await run("bash", ["-c", line], { env, cwd: fleet.directory });
  });

  it("there is one for each command", async () => {
    const { stdout } = await run("bash", ["-c", "hawser --help"], { env });
    const listed = stdout.slice(stdout.indexOf("Commands:"), stdout.indexOf("Which principal:"));
    const commands = [...listed.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = ""]) => name);
    expect(commands).toContain("apply");
    const shown = ["run", "until-interrupted", "stopped"]
      .flatMap((label) => linesOf(`sh ${label}`))
      .join("\n");
    const missing = new Set(commands.filter((name) => name !== "help" && !shown.includes(`hawser ${name}`)));
    expect([...missing]).toEqual([]);
  });
});
