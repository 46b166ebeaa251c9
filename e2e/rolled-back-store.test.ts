import { cp, rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fileHolds, putFile } from "./support/config-files.js";
import { becomes } from "./support/eventually.js";
import { PROGRAMS, runProgram } from "./support/programs.js";
import type { LogLine, ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

const AGENT = "edge";

interface ConnectedFleet {
  readonly fleet: TestFleet;
  readonly agent: ServiceProcess;
}

async function connectedFleet(transport: "ws-json" | "grpc"): Promise<ConnectedFleet> {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.agent(AGENT, { transport });
  await agent.start();
  await fleet.connected(AGENT);
  await putFile(fleet, AGENT, "kept", "one");
  return { fleet, agent };
}

async function putBack(fleet: TestFleet, directory: string): Promise<void> {
  await rm(directory, { recursive: true });
  await cp(fleet.path("backup"), directory, { recursive: true });
}

async function adopt(directory: string): Promise<void> {
  const { code, stderr } = await runProgram(PROGRAMS.cli, ["adopt", directory]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
}

async function status(fleet: TestFleet): Promise<string> {
  const { code, stdout } = await runProgram(PROGRAMS.cli, ["status", "--server", fleet.api.server]);
  expect(code).toBe(0);
  return stdout;
}

async function converges(fleet: TestFleet): Promise<void> {
  await putFile(fleet, AGENT, "kept", "the last");
  await putFile(fleet, AGENT, "later", "anew");
  await becomes("nothing waits, and the status is of the newest spec", async () => {
    const { pending } = await fleet.api.agent(AGENT);
    const { version, observedVersion } = await fleet.api.resource(AGENT, "ConfigFile", "kept");
    return pending === 0 && version === observedVersion;
  });
}

const rolledBack = (line: LogLine): boolean => line["code"] === "store_rolled_back";

describe.each(["ws-json", "grpc"] as const)(
  "an older copy that is started without adopt, over %s",
  (transport) => {
    it("of the principal: named on both sides, serves its API, and nothing is delivered or lost until it is adopted", async () => {
      const { fleet, agent } = await connectedFleet(transport);
      await fleet.principal.stop();
      await cp(fleet.path("principal"), fleet.path("backup"), { recursive: true });
      await fleet.startPrincipal();
      await fleet.connected(AGENT);
      for (const content of ["two", "three", "four"]) await putFile(fleet, AGENT, "kept", content);
      await fleet.principal.stop();
      await agent.stop();

      await putBack(fleet, fleet.path("principal"));
      await fleet.startPrincipal();
      // More than the agent has had: the number alone would not show it.
      for (let n = 0; n < 12; n += 1)
        await fleet.api.put(AGENT, "ConfigFile", "later", { path: "later", content: String(n) });
      await agent.start();
      const refused = await agent.logged("the refusal", rolledBack);
      expect(refused).toMatchObject({ level: "error", msg: expect.stringContaining("run 'hawser adopt'") });
      expect(refused.msg).toContain("the principal's store may have been rolled back: it gave out version");
      expect(await fleet.principal.logged("that it is one", rolledBack)).toMatchObject({
        level: "error",
        agents: 1,
        msg: expect.stringContaining("proven by 1 of the agents"),
      });
      expect(await status(fleet)).toMatch(/Store: +store_rolled_back, say 1 agent: the principal's store/);
      const shown = await fleet.api.agent(AGENT);
      expect(shown).toMatchObject({ state: "disconnected", reason: expect.stringContaining("rolled back") });
      expect(shown.pending).toBeGreaterThan(0);

      await fleet.principal.stop();
      await agent.stop();
      await adopt(fleet.path("principal"));
      await fleet.startPrincipal();
      await agent.start();
      await fleet.connected(AGENT);
      // What was accepted while it was refused has waited.
      await fileHolds(fleet, AGENT, "later", "11");
      await fileHolds(fleet, AGENT, "kept", "one");
      expect(await status(fleet)).not.toContain("store_rolled_back");
      await converges(fleet);
    });

    it("of the agent: named on both sides, the others go on, and all is told again once it is adopted", async () => {
      const { fleet, agent } = await connectedFleet(transport);
      await agent.stop();
      const data = fleet.path(AGENT, "data", "store");
      await cp(data, fleet.path("backup"), { recursive: true });
      await agent.start();
      await fleet.connected(AGENT);
      for (const content of ["two", "three", "four"]) await putFile(fleet, AGENT, "kept", content);
      await agent.stop();

      await putBack(fleet, data);
      await agent.start();
      const refused = await agent.logged("that it is one", rolledBack);
      expect(refused).toMatchObject({ level: "error", msg: expect.stringContaining("run 'hawser adopt'") });
      expect(refused.msg).toContain("the agent's store may have been rolled back");
      const told = await fleet.principal.logged("its close", rolledBack);
      expect(told).toMatchObject({ level: "warn", agent: AGENT, msg: expect.stringContaining("4010") });
      await becomes("people see why", async () => {
        const { state, reason } = await fleet.api.agent(AGENT);
        return state === "disconnected" && reason.includes("the agent's store may have been rolled back");
      });
      expect(await status(fleet)).not.toContain("store_rolled_back");
      const other = await fleet.agent("other", { transport });
      await other.start();
      await fleet.connected("other");

      await agent.stop();
      await adopt(data);
      await agent.start();
      await fleet.connected(AGENT);
      await fileHolds(fleet, AGENT, "kept", "four");
      await converges(fleet);
    });
  },
);
