import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { outputContract } from "./support/output-contract.js";
import { PROGRAMS, runProgram, type Finished } from "./support/programs.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

const contract = (await outputContract())["edit"];
const MOTD = "edge/ConfigFile/motd";

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
});

beforeEach(async () => {
  await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "before" });
});

/** An editor that is a shell script; the file is $1. */
async function edit(script: string, ...args: readonly string[]): Promise<Finished> {
  const editor = fleet.path("editor");
  await writeFile(editor, `#!/bin/sh\n${script}\n`);
  await chmod(editor, 0o700);
  const env = { HAWSER_SERVER: fleet.api.server, VISUAL: `${editor} --wait`, TMPDIR: fleet.directory };
  // The script is given the option of VISUAL first.
  return runProgram(PROGRAMS.cli, ["edit", MOTD, ...args], { env });
}

const content = async (): Promise<unknown> => (await fleet.api.resource("edge", "ConfigFile", "motd")).spec;
const keptFiles = async (): Promise<readonly string[]> =>
  (await readdir(fleet.directory)).filter((name) => name.startsWith("hawser-edit-"));
const keptPath = ({ stderr }: Finished): string => /hawser apply -f (\S+)/.exec(stderr)?.[1] ?? "";

it("applies what was changed, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await edit(`test "$1" = --wait && sed -i s/before/after/ "$2"`);
  expect({ code, stdout, stderr }).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^edge\/ConfigFile\/motd updated, version \d+\n$/),
    stderr: "",
  });
  expect(await content()).toEqual({ path: "motd", content: "after" });
  expect(await keptFiles()).toEqual([]);
});

it("applies nothing of a file that is unchanged, or empty", async () => {
  for (const script of [":", `: > "$2"`, `sed -i 's/^kind: /kind:   /' "$2"`]) {
    const { code, stdout } = await edit(script, "--output", "json");
    expect(code).toBe(0);
    const printed: unknown = JSON.parse(stdout);
    expect(contract?.safeParse(printed)).toMatchObject({ success: true });
    expect(printed).toMatchObject([{ result: "unchanged" }]);
  }
  expect(await content()).toEqual({ path: "motd", content: "before" });
  expect(await keptFiles()).toEqual([]);
});

it("does not undo what somebody else changed meanwhile, and keeps what was written, for its owner alone", async () => {
  const script = `sed -i s/before/mine/ "$2"
printf 'agent: edge\\nkind: ConfigFile\\nname: motd\\nspec: { path: motd, content: theirs }\\n' > ${fleet.path("theirs.yaml")}
${process.execPath} ${PROGRAMS.cli} apply -f ${fleet.path("theirs.yaml")} > /dev/null`;
  const refused = await edit(script);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain("conflict");
  expect(await content()).toEqual({ path: "motd", content: "theirs" });
  const path = keptPath(refused);
  expect(await readFile(path, "utf8")).toContain("content: mine");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
});

it.each([
  [`echo "spec: [" > "$2"`, 2, /motd\.yaml:\d+:\d+: /],
  [`sed -i 's/^name: motd/name: other/' "$2"`, 2, /only the spec of edge\/ConfigFile\/motd can be edited/],
  [`sed -i s/before/after/ "$2"; exit 3`, 1, /ended with 3, so nothing was applied/],
])("keeps what was written when it cannot be applied: %s", async (script, expected, message) => {
  const refused = await edit(script);
  expect(refused.code).toBe(expected);
  expect(refused.stderr).toMatch(message);
  expect(await content()).toEqual({ path: "motd", content: "before" });
  expect(await readFile(keptPath(refused), "utf8")).not.toBe("");
});

it("says when there is nothing to edit", async () => {
  const env = { HAWSER_SERVER: fleet.api.server };
  expect(await runProgram(PROGRAMS.cli, ["edit", "edge/ConfigFile/no"], { env })).toMatchObject({ code: 4 });
  expect(await runProgram(PROGRAMS.cli, ["edit", "edge"], { env })).toMatchObject({ code: 2 });
});
