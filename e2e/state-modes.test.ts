import { execFileSync } from "node:child_process";
import { chmod, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { putFile } from "./support/config-files.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet } from "./support/test-fleet.js";

/** Everything below a directory, itself included, that anybody but its owner may use in any way. */
async function openToOthers(directory: string): Promise<readonly string[]> {
  const names = [".", ...(await readdir(directory, { recursive: true }))];
  const modes = await Promise.all(
    names.map(async (name) => [name, (await stat(join(directory, name))).mode & 0o777] as const),
  );
  return modes
    .filter(([, mode]) => (mode & 0o077) !== 0)
    .map(([name, mode]) => `${name} ${mode.toString(8)}`);
}

it("state is for its owner alone at both ends, whatever the umask", async () => {
  // The usual one, with which every file would be for all to read.
  expect(execFileSync("sh", ["-c", "umask"], { encoding: "utf8" }).trim()).toBe("0022");
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent("edge-1");
  await agent.start();
  await putFile(fleet, "edge-1", "motd", "a secret");
  expect(await openToOthers(fleet.path("principal"))).toEqual([]);
  expect(await openToOthers(fleet.path("edge-1", "data"))).toEqual([]);
  // What a ConfigFile writes has the mode its spec says, for whoever reads the configuration.
  expect((await stat(fleet.path("edge-1", "files", "motd"))).mode & 0o777).toBe(0o644);
  expect(await agent.logText()).not.toContain("others may read the state");
});

it("older state that others can read is named by the start, by --check and by the doctor", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  await fleet.principal.stop();
  const directory = fleet.path("principal");
  await chmod(directory, 0o755);
  await fleet.startPrincipal();
  const { fix } = await fleet.principal.logged("a warning", ({ msg }) => msg.includes("others may read"));
  expect(fix).toBe(`chmod -R go-rwx ${directory}`);
  const checked = await runProgram(PROGRAMS.principal, ["--data-dir", directory, "--check"]);
  expect(checked).toMatchObject({ code: 0, stderr: expect.stringContaining(`${directory} has mode 0755`) });
  const doctor = await runProgram(PROGRAMS.cli, ["doctor", "--data-dir", directory], {
    env: { HAWSER_SERVER: fleet.api.server, HAWSER_CONFIG: fleet.path("config.yaml") },
  });
  expect(doctor.stdout).toMatch(/^warn +state .* has mode 0755/m);
});
