import { readFile, rm, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

async function statusOf(fleet: TestFleet, agent: string): Promise<Record<string, unknown>> {
  const { status } = await fleet.api.resource(agent, "ConfigFile", "motd");
  return Object(status) as Record<string, unknown>;
}

const holds = (path: string, content: string) => async (): Promise<boolean> =>
  (await readFile(path, "utf8").catch(() => "")) === content;

it("a file that somebody else changed or removed is written again, or told where that is wanted", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const mending = await fleet.agent("mends", { args: ["--check-interval", "100ms"] });
  const telling = await fleet.agent("tells", {
    args: ["--check-interval", "100ms", "--config-file-drift", "report"],
  });
  await mending.start();
  await telling.start();
  const file = fleet.path("mends", "files", "motd");
  for (const agent of ["mends", "tells"])
    await fleet.api.put(agent, "ConfigFile", "motd", { path: "motd", content: "welcome" });
  await becomes("the files are written", holds(file, "welcome"));
  await becomes("the files are written", holds(fleet.path("tells", "files", "motd"), "welcome"));

  await writeFile(file, "tampered");
  await becomes("it is mended", holds(file, "welcome"));
  await eventually("that is told", async () =>
    (await statusOf(fleet, "mends"))["repairs"] === 1 ? true : undefined,
  );

  await rm(fleet.path("tells", "files", "motd"));
  await eventually("that is told", async () => {
    const { state, drift } = await statusOf(fleet, "tells");
    return state === "drifted" && drift === "missing" ? true : undefined;
  });
  await expect(readFile(fleet.path("tells", "files", "motd"))).rejects.toThrow("ENOENT");
  const manifests = ["mends", "tells"].map(
    (agent) => `agent: ${agent}\nkind: ConfigFile\nname: motd\nspec: { path: motd, content: welcome }\n`,
  );
  const diff = (...args: readonly string[]): ReturnType<typeof runProgram> =>
    runProgram(PROGRAMS.cli, ["diff", "-f", "-", ...args], {
      env: { HAWSER_SERVER: fleet.api.server, HAWSER_TOKEN_FILE: fleet.apiTokenFile },
      input: manifests.join("---\n"),
    });
  expect(await diff()).toMatchObject({ code: 0, stdout: "" });
  expect(await diff("--live")).toMatchObject({
    code: 1,
    stdout: "tells/ConfigFile/motd drifted: missing\n",
  });

  await mending.stop();
  await rm(file);
  await mending.start();
  await becomes("what happened while it was away is mended", holds(file, "welcome"));
});
