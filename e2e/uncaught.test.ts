import { describe, expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The last line of defence, in real processes: what nobody caught ends the process, once and in words, and costs nothing that was accepted.

const FAULTS = ["exception", "rejection"] as const;
type Fault = (typeof FAULTS)[number];

const faulty = (fault: Fault): Readonly<Record<string, string>> => ({
  FAULT: fault,
  NODE_OPTIONS: `--import ${new URL("fixtures/throw-on-signal.mjs", import.meta.url).href}`,
});

const SAID = { exception: "thrown by the test", rejection: "rejected by the test" } as const;

/** Lets it fail, and holds what it leaves: exit code 1, and one line in its log. */
async function fails(service: ServiceProcess, program: string, fault: Fault): Promise<void> {
  service.signal("SIGUSR2");
  await becomes(`${program} has ended`, () => !service.running);
  expect(service.exit).toEqual({ code: 1, signal: null });
  const all = await service.logLines();
  const lines = all.filter(({ msg }) => msg.includes("nobody caught"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: "error",
    service: program,
    code: "internal",
    msg: `${program} ends by an error that nobody caught: ${SAID[fault]}`,
    origin: fault === "exception" ? "uncaughtException" : "unhandledRejection",
  });
  // Nothing else is said of it, on standard error or anywhere: each line there is one of the log.
  expect(all).toHaveLength((await service.logText()).trimEnd().split("\n").length);
}

/** Puts specs until the principal answers no more; what it accepted, by name. */
async function putUntilItEnds(fleet: TestFleet): Promise<ReadonlyMap<string, number>> {
  const accepted = new Map<string, number>();
  for (let n = 0; ; n += 1) {
    const name = `note-${n % 20}`;
    try {
      await fleet.api.put("edge", "ConfigFile", name, { path: name, content: String(n) });
    } catch {
      return accepted;
    }
    accepted.set(name, n);
  }
}

describe.each(FAULTS)("an %s that nobody caught", (fault) => {
  it("ends the principal with code 1 and one line, and what it accepted is there when it is started again", async () => {
    const fleet = await createTestFleet([], faulty(fault));
    await fleet.startPrincipal();
    const publishing = putUntilItEnds(fleet);
    await eventually("it accepts", async () =>
      (await fleet.api.resources("edge")).length > 5 ? true : undefined,
    );
    await fails(fleet.principal, "hawser-principal", fault);
    const accepted = await publishing;
    expect(accepted.size).toBeGreaterThan(5);

    await fleet.startPrincipal();
    for (const [name, n] of accepted) {
      const { spec } = await fleet.api.resource("edge", "ConfigFile", name);
      // The last one may have been accepted without anybody having heard so.
      expect([
        { path: name, content: String(n) },
        { path: name, content: String(n + 20) },
      ]).toContainEqual(spec);
    }
    const agent = await fleet.agent("edge");
    await agent.start();
    await becomes("all of it arrives", async () => {
      const all = await fleet.api.resources("edge");
      return (
        all.length >= accepted.size &&
        all.every(({ version, observedVersion }) => version === observedVersion)
      );
    });
  });

  it("ends an agent the same way, and it goes on from there", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = await fleet.agent("edge", { env: faulty(fault) });
    await agent.start();
    await fleet.connected("edge");
    const put = async (content: string): Promise<void> => {
      const { version } = await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content });
      await becomes(
        `${content} is applied`,
        async () => (await fleet.api.resource("edge", "ConfigFile", "motd")).observedVersion === version,
      );
    };
    await put("before");
    await fails(agent, "hawser-agent", fault);
    await agent.start();
    await put("after");
    expect((await fleet.api.agent("edge")).deadLetters).toBe(0);
  });
});
