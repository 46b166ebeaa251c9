import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { serve } from "./support/cli-following.js";
import { createCommandFolder } from "./support/command-folder.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

function lacks(...programs: readonly string[]): string {
  const missing = programs.filter((program) => spawnSync(program, ["--version"]).status !== 0);
  return missing.length === 0 ? "" : ` (skipped: there is no ${missing.join(", no ")})`;
}

let fleet: TestFleet;
let env: NodeJS.ProcessEnv;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  for (const agent of ["edge-1", "edge-2", "shore"])
    await fleet.api.put(agent, "ConfigFile", "motd", { path: "motd", content: "x" });
  await fleet.api.put("edge-1", "Task", "clock", { command: "true" });
  env = {
    ...(await createCommandFolder(fleet.path("bin"), { hawser: PROGRAMS.cli })),
    HAWSER_SERVER: fleet.api.server,
    HAWSER_CONFIG: fleet.path("config.yaml"),
    TERM: "dumb",
    PS1: "",
  };
  await runProgram(PROGRAMS.cli, ["context", "set", "staging", "--server", fleet.api.server], {
    env: { HAWSER_CONFIG: fleet.path("config.yaml") },
  });
});

/** What is typed before the tab key, and what stands there after it. */
const LINES: readonly (readonly [string, string])[] = [
  ["hawser agents --st", "hawser agents --state "],
  ["hawser dead-letters re", "hawser dead-letters requeue "],
  ["hawser explain mailbox", "hawser explain mailbox_full "],
  ["hawser get s", "hawser get shore"],
  ["hawser get edge-1/T", "hawser get edge-1/Task/clock "],
  ["hawser delete sh", "hawser delete shore/"],
  ["hawser get edge-1 --kind T", "hawser get edge-1 --kind Task "],
  ["hawser events sh", "hawser events shore "],
  ["hawser --context stag", "hawser --context staging "],
  ["hawser wait shore ed", "hawser wait shore edge-"],
];

/** Types each line and the tab key into a shell, has it show the line it makes of it, and answers with those. */
async function completed(shell: string, load: string, lines: readonly string[]): Promise<readonly string[]> {
  const child = spawn("script", ["--quiet", "--return", "--command", shell, "/dev/null"], { env });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (shown += chunk));
  const said = (): readonly string[] => [...shown.matchAll(/^<(.*)>\r?$/gm)].map(([, line = ""]) => line);
  try {
    child.stdin.write(`${load}; echo "<rea""dy>"\r`);
    await becomes("the script is loaded", () => said().length === 1, 30_000);
    for (const [index, line] of lines.entries()) {
      // To the beginning of the line and to its end again, for a shell in the mode of emacs.
      child.stdin.write(`${line}\t\u0001echo "<\u0005>"\r`);
      await becomes(`${line} is completed`, () => said().length === index + 2, 30_000);
    }
  } finally {
    child.stdin.end("\u0003\u0004");
    child.kill();
    await once(child, "close");
  }
  return said().slice(1);
}

describe.each([
  ["bash", "bash --norc --noprofile -i", "source <(hawser completion bash)"],
  ["zsh", "zsh -f -i", "bindkey -e; source <(hawser completion zsh)"],
])("%s", (name, shell, load) => {
  const missing = lacks(name, "script");
  it.skipIf(missing !== "")(`completes commands, and what the principal knows${missing}`, async () => {
    const found = await completed(
      shell,
      load,
      LINES.map(([typed]) => typed),
    );
    expect(found.map((line) => line.trimEnd())).toEqual(LINES.map(([, line]) => line.trimEnd()));
  });
});

describe("fish", () => {
  const missing = lacks("fish");
  it.skipIf(missing !== "")(`offers commands, and what the principal knows${missing}`, async () => {
    const offered = async (line: string): Promise<readonly string[]> => {
      const script = `hawser completion fish | source; complete -C '${line}'`;
      const { stdout } = await promisify(execFile)("fish", ["--no-config", "-c", script], { env });
      return stdout
        .trim()
        .split("\n")
        .map((each) => each.replace(/\t.*/, ""));
    };
    expect(await offered("hawser a")).toEqual(expect.arrayContaining(["agents", "apply", "adopt"]));
    expect(await offered("hawser get ")).toEqual(["edge-1", "edge-2", "shore"]);
    expect(await offered("hawser get edge-1/T")).toEqual(["edge-1/Task/clock"]);
    expect(await offered("hawser --context s")).toEqual(["staging"]);
    expect(await offered("hawser explain mailbox")).toEqual(["mailbox_full"]);
  });
});

describe("bash without asking anybody", () => {
  it.each([
    ["hawser a", "apply agents adopt"],
    ["hawser agents --state ''", "connected disconnected"],
    ["hawser get edge-1 --state ''", "pending delivered refused purged deleting"],
    ["hawser agents -o js", "json jsonl jsonpath="],
  ])("%s", async (line, expected) => {
    const script = `source <('${process.execPath}' '${PROGRAMS.cli}' completion bash)
COMP_WORDS=(${line}); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _hawser; echo "\${COMPREPLY[*]}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", script]);
    expect(stdout.trim()).toBe(expected);
  });
});

describe("when nothing can be had, it says nothing", () => {
  it.each([
    ["no principal", "http://127.0.0.1:9"],
    ["no address", "nonsense"],
  ])("%s", async (_what, server) => {
    const answer = await runProgram(PROGRAMS.cli, ["__complete", "--", "--server", server, "get", ""]);
    expect(answer).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  it("a principal that does not answer is not waited for", async () => {
    let asked = false;
    const server = await serve(() => {
      asked = true;
    });
    const answer = await runProgram(PROGRAMS.cli, ["__complete", "--", "get", ""], {
      env: { HAWSER_SERVER: server },
    });
    expect({ asked, ...answer }).toMatchObject({ asked: true, code: 0, stdout: "", stderr: "" });
  });
});
