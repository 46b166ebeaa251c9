import { rm, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { checkJournal, keyText, readJournal, type JournalFindings } from "./support/journal.js";
import { PrincipalApi } from "./support/principal-api.js";
import { PROGRAMS } from "./support/programs.js";
import { Publishers } from "./support/publishers.js";
import { createTestFleet, readApiToken, TRANSPORTS, type TestFleet } from "./support/test-fleet.js";

/** Commands acknowledged before the principal is stopped, so that it stops in the middle of them. */
const UNDER_LOAD = 100;

async function journalOf(fleet: TestFleet, agent: string): Promise<JournalFindings> {
  return checkJournal(await readJournal(fleet.path(agent, "journal")));
}

async function observed(fleet: TestFleet, agent: string, kind: string, name: string): Promise<void> {
  await becomes(`${agent} has ${kind}/${name}`, async () => {
    const { version, observedVersion } = await fleet.api.resource(agent, kind, name);
    return version === observedVersion;
  });
}

describe("SIGTERM of the principal under load", () => {
  it.each(TRANSPORTS)(
    "lets the sessions leave cleanly; nothing acknowledged comes again: %s",
    async (transport) => {
      const fleet = await createTestFleet(["--stop-window", "1s"]);
      await fleet.startPrincipal();
      const agent = await fleet.journalAgent("edge", { transport });
      await agent.start();
      await fleet.connected("edge");
      const publishers = new Publishers(() => fleet.api);
      publishers.writeSpecs("edge", "Counter", "a", (n) => ({ n }));
      for (const stream of ["x", "y", "z"]) publishers.sendCommands("edge", stream);
      await becomes("events flow", async () => (await journalOf(fleet, "edge")).acked.size > UNDER_LOAD);

      expect(await fleet.principal.stop()).toEqual({ code: 0, signal: null });
      const ended = await fleet.principal.logged("the end of the session", ({ msg }) =>
        msg.startsWith("session ended"),
      );
      expect(ended).toMatchObject({ end: "drained", level: "info" });
      await agent.logged("its slot", ({ msg }) => msg.includes("drained: slot at"));

      await fleet.startPrincipal();
      expect((await fleet.connected("edge")).session.epoch).toBe(2);
      await publishers.stop();
      await becomes("all of it arrives", async () => (await fleet.api.agent("edge")).pending === 0);
      const { violations, repeats, redelivered, ran } = await journalOf(fleet, "edge");
      expect({ violations, repeats, redelivered }).toEqual({ violations: [], repeats: 0, redelivered: [] });
      for (const key of publishers.commands.get("edge")?.values() ?? [])
        expect(ran.get(keyText(key))).toBe("command");
    },
  );
});

describe("SIGTERM of an agent", () => {
  it.each(TRANSPORTS)(
    "is a clean goodbye with exit code 0; its mailbox waits, and what it reported is kept: %s",
    async (transport) => {
      const fleet = await createTestFleet();
      await fleet.startPrincipal();
      const agent = await fleet.agent("edge", { transport });
      await agent.start();
      await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "one" });
      await observed(fleet, "edge", "ConfigFile", "motd");
      // The status may overtake the ACK of the spec it reflects.
      const before = await eventually("its spec is acknowledged", async () => {
        const found = await fleet.api.resource("edge", "ConfigFile", "motd");
        return found.state === "delivered" ? found : undefined;
      });

      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      const away = await eventually("it is away", async () => {
        const found = await fleet.api.agent("edge");
        return found.state === "disconnected" ? found : undefined;
      });
      expect(away.reason).toBe("closed its connection cleanly");
      expect(await fleet.api.resource("edge", "ConfigFile", "motd")).toEqual(before);
      await fleet.api.put("edge", "ConfigFile", "motd", { path: "motd", content: "two" });
      expect(await fleet.api.agent("edge")).toMatchObject({ pending: 1 });
      expect((await fleet.api.resource("edge", "ConfigFile", "motd")).status).toEqual(before.status);

      await agent.start();
      await observed(fleet, "edge", "ConfigFile", "motd");
      await becomes("its mailbox is empty", async () => (await fleet.api.agent("edge")).pending === 0);
    },
  );
});

describe("a lost disk", () => {
  it("of an agent: it gets every spec again, and no command a second time", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = await fleet.journalAgent("edge");
    await agent.start();
    const names = ["a", "b", "c"];
    const uids: string[] = [];
    for (const name of names) uids.push((await fleet.api.put("edge", "Counter", name, { n: 1 })).uid);
    await fleet.api.post("edge", { id: "1", type: "e2e.order.v1", resourceid: "order_u1" });
    await becomes("all of it arrives", async () => (await fleet.api.agent("edge")).pending === 0);
    const before = await readJournal(fleet.path("edge", "journal"));

    await agent.kill();
    await rm(fleet.path("edge", "data"), { recursive: true });
    await agent.start();
    await eventually("it has a new session", async () => {
      const { session, pending } = await fleet.api.agent("edge");
      return session?.epoch === 2 && pending === 0 ? session : undefined;
    });
    for (const name of names) await observed(fleet, "edge", "Counter", name);
    const again = (await readJournal(fleet.path("edge", "journal"))).slice(before.length);
    const ran = again.flatMap((line) => (line.what === "run" ? [`${line.kind} of ${line.resourceid}`] : []));
    expect(ran.toSorted()).toEqual(uids.map((uid, n) => `spec of ${names[n]}_${uid}`));
  });

  it("of the principal: an agent takes what the new one says, and is not confused by old numbers", async () => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const agent = await fleet.journalAgent("edge");
    await agent.start();
    for (const n of [1, 2, 3]) await fleet.api.put("edge", "Counter", "a", { n });
    await observed(fleet, "edge", "Counter", "a");

    await fleet.principal.kill();
    await rm(fleet.path("principal"), { recursive: true });
    await fleet.startPrincipal();
    await fleet.connected("edge");
    const { version } = await fleet.api.put("edge", "Counter", "a", { n: 4 });
    expect(version).toBe("1");
    await eventually("it is applied", async () => {
      const found = await fleet.api.resource("edge", "Counter", "a");
      return found.observedVersion === version ? found : undefined;
    });
    expect((await fleet.api.resource("edge", "Counter", "a")).status).toEqual({ n: 4 });
  });
});

describe("a wrong token", () => {
  it("is told loudly with what to do; a right one and SIGHUP connect at once", async () => {
    const fleet = await createTestFleet();
    const tokens = fleet.path("tokens");
    const token = fleet.path("token");
    await writeFile(tokens, "edge 0123456789abcdef0123\n");
    await writeFile(token, "0123456789abcdef-wrong\n");
    const strict = fleet.service({
      name: "strict",
      program: PROGRAMS.principal,
      args: [
        `--data-dir=${fleet.path("strict")}`,
        `--agent-tokens-file=${tokens}`,
        "--listen=127.0.0.1:0",
        "--api-listen=127.0.0.1:0",
      ],
    });
    const { listen, api } = (await strict.start()) as Record<"listen" | "api", { port: number }>;
    const agent = fleet.service({
      name: "edge",
      program: PROGRAMS.agent,
      args: [
        "--name=edge",
        `--url=ws://127.0.0.1:${listen.port}`,
        `--data-dir=${fleet.path("edge")}`,
        `--token-file=${token}`,
      ],
    });
    await agent.start();
    const line = await agent.logged("the refusal", ({ level }) => level === "error");
    expect(line).toMatchObject({ code: "unauthenticated" });
    expect(line.msg).toMatch(/Give this agent a credential the principal accepts/);
    expect(Number(line["delay_ms"])).toBeGreaterThanOrEqual(15_000);
    expect(agent.running).toBe(true);
    await strict.logged("the refusal", (said) => said["code"] === "unauthenticated");

    await writeFile(token, "0123456789abcdef0123\n");
    agent.signal("SIGHUP");
    const answer = new PrincipalApi(
      `http://127.0.0.1:${api.port}`,
      readApiToken(fleet.path("strict", "api-token")),
    );
    await becomes("it is connected", async () => (await answer.agent("edge")).state === "connected", 5_000);
  });
});
