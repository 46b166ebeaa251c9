import { cp, rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fileHolds, putFile } from "./support/config-files.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import { createWorld, type World } from "./support/world.js";

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

async function connectedWorld(): Promise<{ world: World; agent: Awaited<ReturnType<World["agent"]>> }> {
  const world = await createWorld();
  await world.startPrincipal();
  const agent = await world.agent(AGENT, { args: ["--reconnect-max", "1s"] });
  await agent.start();
  await world.connected(AGENT);
  await putFile(world, AGENT, "kept", "one");
  return { world, agent };
}

describe("a backup that is put back", () => {
  it("of the principal: what is new reaches the agent, and what the backup holds is so again", async () => {
    const { world } = await connectedWorld();
    await world.principal.stop();
    await cp(world.path("principal"), world.path("backup"), { recursive: true });
    await world.startPrincipal();
    await world.connected(AGENT);
    // Versions that the backup knows nothing of, and will give out again.
    for (const content of ["two", "three", "four"]) await putFile(world, AGENT, "kept", content);
    await putFile(world, AGENT, "later", "after the backup");

    await world.principal.stop();
    await putBack(world.path("backup"), world.path("principal"));
    await world.startPrincipal();
    await world.connected(AGENT);
    await fileHolds(world, AGENT, "kept", "one");
    await putFile(world, AGENT, "kept", "five");
    await putFile(world, AGENT, "later", "anew");
    await becomes("nothing waits", async () => (await world.api.agent(AGENT)).pending === 0);
  });

  it("of the agent: it gets everything again, and what it reports is taken", async () => {
    const { world, agent } = await connectedWorld();
    await agent.stop();
    const data = world.path(AGENT, "data", "store");
    await cp(data, world.path("backup"), { recursive: true });
    await agent.start();
    await world.connected(AGENT);
    for (const content of ["two", "three", "four"]) await putFile(world, AGENT, "kept", content);

    await agent.stop();
    const dataDirectory = world.path(AGENT, "data");
    const looked = await runProgram(PROGRAMS.cli, ["doctor", "--store", dataDirectory]);
    expect(looked.stdout).toMatch(/ok +store .*opens; 1 mailboxes/);
    await putBack(world.path("backup"), data, dataDirectory);
    await agent.start();
    await world.connected(AGENT);
    await putFile(world, AGENT, "kept", "five");
    await becomes("its status is of the newest spec", async () => {
      const { version, observedVersion } = await world.api.resource(AGENT, "ConfigFile", "kept");
      return version === observedVersion;
    });
  });

  it("is not touched while a service uses it, nor made where there is none", async () => {
    const { world } = await connectedWorld();
    const used = await runProgram(PROGRAMS.cli, ["adopt", world.path("principal")]);
    expect(used.code).toBe(1);
    expect(used.stderr).toContain("another process uses the store");
    const none = await runProgram(PROGRAMS.cli, ["adopt", world.path(AGENT)]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("holds no store");
    await putFile(world, AGENT, "kept", "two");
  });
});
