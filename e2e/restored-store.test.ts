import { cp, rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fileHolds, putFile } from "./support/config-files.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const AGENT = "edge";

/** As an operator would: the older copy in the place of the store, then `hawser adopt` of the data directory it is in. */
async function putBack(copy: string, directory: string, dataDirectory = directory): Promise<void> {
  await rm(directory, { recursive: true });
  await cp(copy, directory, { recursive: true });
  const args = ["adopt", dataDirectory, "--output", "json"];
  const { code, stdout, stderr } = await runProgram(PROGRAMS.cli, args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({ directory, store: expect.stringMatching(/^[0-9a-f-]{36}$/) });
}

async function connectedWorld(): Promise<{
  fleet: TestFleet;
  agent: Awaited<ReturnType<TestFleet["agent"]>>;
}> {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent(AGENT, { args: ["--reconnect-max", "1s"] });
  await agent.start();
  await fleet.connected(AGENT);
  await putFile(fleet, AGENT, "kept", "one");
  return { fleet, agent };
}

describe("a backup that is put back", () => {
  it("of the principal: what is new reaches the agent, and what the backup holds is so again", async () => {
    const { fleet } = await connectedWorld();
    await fleet.principal.stop();
    await cp(fleet.path("principal"), fleet.path("backup"), { recursive: true });
    await fleet.startPrincipal();
    await fleet.connected(AGENT);
    // Versions that the backup knows nothing of, and will give out again.
    for (const content of ["two", "three", "four"]) await putFile(fleet, AGENT, "kept", content);
    await putFile(fleet, AGENT, "later", "after the backup");

    await fleet.principal.stop();
    await putBack(fleet.path("backup"), fleet.path("principal"));
    await fleet.startPrincipal();
    await fleet.connected(AGENT);
    await fileHolds(fleet, AGENT, "kept", "one");
    await putFile(fleet, AGENT, "kept", "five");
    await putFile(fleet, AGENT, "later", "anew");
    await becomes("nothing waits", async () => (await fleet.api.agent(AGENT)).pending === 0);
  });

  it("of the agent: it gets everything again, and what it reports is taken", async () => {
    const { fleet, agent } = await connectedWorld();
    await agent.stop();
    const data = fleet.path(AGENT, "data", "store");
    await cp(data, fleet.path("backup"), { recursive: true });
    await agent.start();
    await fleet.connected(AGENT);
    for (const content of ["two", "three", "four"]) await putFile(fleet, AGENT, "kept", content);

    await agent.stop();
    const dataDirectory = fleet.path(AGENT, "data");
    const looked = await runProgram(PROGRAMS.cli, ["doctor", "--store", dataDirectory]);
    expect(looked.stdout).toMatch(/ok +store .*opens; 1 mailboxes/);
    await putBack(fleet.path("backup"), data, dataDirectory);
    await agent.start();
    await fleet.connected(AGENT);
    await putFile(fleet, AGENT, "kept", "five");
    await becomes("its status is of the newest spec", async () => {
      const { version, observedVersion } = await fleet.api.resource(AGENT, "ConfigFile", "kept");
      return version === observedVersion;
    });
  });

  it("is not touched while a service uses it, nor made where there is none", async () => {
    const { fleet } = await connectedWorld();
    const used = await runProgram(PROGRAMS.cli, ["adopt", fleet.path("principal")]);
    expect(used.code).toBe(1);
    expect(used.stderr).toContain("another process uses the store");
    const none = await runProgram(PROGRAMS.cli, ["adopt", fleet.path(AGENT)]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("holds no store");
    await putFile(fleet, AGENT, "kept", "two");
  });
});
