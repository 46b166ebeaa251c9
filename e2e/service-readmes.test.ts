import { execFile, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createCommandFolder } from "./support/command-folder.js";
import { blocksOf } from "./support/markdown.js";
import { PROGRAMS } from "./support/programs.js";
import { ROOT } from "./support/typescript-examples.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

// What stands in the READMEs of the two services. They would run for ever: `--check` tries everything they were told, and ends.

const run = promisify(execFile);
const TARGET_GROUP_ARN =
  "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/site/0123456789abcdef";
const manifest = z.object({ peerDependencies: z.record(z.string(), z.string()) });

/** What is typed, in blocks with this label. */
async function typed(app: string, of: string): Promise<readonly string[]> {
  const blocks = blocksOf(await readFile(join(ROOT, "apps", app, "README.md"), "utf8"));
  return blocks.flatMap(({ language, label, code }) => (language === "sh" && label === of ? [code] : []));
}

async function linesOf(app: string): Promise<readonly string[]> {
  return (await typed(app, "")).flatMap((code) => code.split("\n").filter(Boolean));
}

let fleet: TestFleet;
let env: NodeJS.ProcessEnv;
watchSharedFleet(() => fleet);
beforeAll(async () => {
  fleet = await createSharedFleet();
  const commands = { "hawser-principal": PROGRAMS.principal, "hawser-agent": PROGRAMS.agent };
  env = {
    ...(await createCommandFolder(fleet.path("bin"), commands)),
    TARGET_GROUP_ARN,
    // The ports they name may be taken on this machine, and `--check` tries them.
    HAWSER_PRINCIPAL_LISTEN: "127.0.0.1:0",
    HAWSER_PRINCIPAL_API_LISTEN: "127.0.0.1:0",
  };
});

for (const app of ["principal", "agent"]) {
  const lines = await linesOf(app);
  const installs = lines.filter((line) => line.startsWith("npm install "));

  describe(`the commands of apps/${app}/README.md`, () => {
    it.each(lines.filter((line) => !installs.includes(line)))("%s", async (line) => {
      const command = line.endsWith("--help") ? line : `${line} --check`;
      const { stdout } = await run("bash", ["-c", command], { env, cwd: fleet.directory });
      expect(stdout).toContain(line.endsWith("--help") ? "--data-dir" : "the settings are good");
    });

    it.skipIf(installs.length === 0).each(installs)("%s: is what the watchers take", async (line) => {
      const [, name = "", major = ""] = /^npm install (.+)@(\d+)$/.exec(line) ?? [];
      const text = await readFile(join(ROOT, "packages", "platform", "package.json"), "utf8");
      expect(manifest.parse(JSON.parse(text)).peerDependencies[name]).toMatch(new RegExp(`^\\^${major}\\.`));
    });
  });
}

const sending = await typed("agent", "send");

describe.skipIf(spawnSync("curl", ["--version"]).error !== undefined)("what programs send an agent", () => {
  beforeAll(async () => {
    const places = ["--data-dir", fleet.path(".hawser", "agent-edge-1"), "--url", "ws://127.0.0.1:9"];
    const args = ["--name", "edge-1", ...places];
    await fleet.service({ name: "edge-1", program: PROGRAMS.agent, args }).start();
  });

  it("is there", () => {
    expect(sending).toHaveLength(2);
  });

  it.each(sending)("%s", async (block) => {
    const { stdout } = await run("bash", ["-ec", block], { env, cwd: fleet.directory });
    expect(stdout).toMatch(/accepted|"eventid"/);
    expect(stdout).not.toContain("problem");
  });
});
