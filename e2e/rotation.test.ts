import { describe, expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import { checkJournal, keyText, readJournal } from "./support/journal.js";
import { Publishers } from "./support/publishers.js";
import { createTestFleet, TRANSPORTS } from "./support/test-fleet.js";

/** Each with another session than the one before. */
const RENEWALS = 5;

describe("an agent that renews its connection under load", () => {
  it.each(TRANSPORTS)("comes back at once, and nothing is sent again: %s", async (transport) => {
    const fleet = await createTestFleet();
    await fleet.startPrincipal();
    const times = ["--rotation-min-ms", "400", "--rotation-max-ms", "600"];
    const agent = await fleet.journalAgent("edge", {
      transport,
      // A session that lived shorter counts as a failure; here none does.
      args: [...times, "--short-session-ms", "1"],
    });
    await agent.start();
    await fleet.connected("edge");
    const publishers = new Publishers(() => fleet.api);
    publishers.writeSpecs("edge", "Counter", "a", (n) => ({ n }));
    for (const stream of ["x", "y", "z"]) publishers.sendCommands("edge", stream);
    await becomes(`it has renewed its connection ${RENEWALS} times`, async () => {
      const { session } = await fleet.api.agent("edge");
      return session !== undefined && session.epoch > RENEWALS;
    });
    await publishers.stop();
    await becomes("all of it arrives", async () => (await fleet.api.agent("edge")).pending === 0);

    const { violations, repeats, redelivered, ran } = checkJournal(
      await readJournal(fleet.path("edge", "journal")),
    );
    expect({ violations, repeats, redelivered }).toEqual({ violations: [], repeats: 0, redelivered: [] });
    expect(await fleet.api.metric("hawser_events_resent_total")).toBe(0);
    for (const key of publishers.commands.get("edge")?.values() ?? [])
      expect(ran.get(keyText(key))).toBe("command");
    const lines = await agent.logLines();
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(["info"]));
    const waits = lines.filter(({ msg }) => msg.startsWith("not connected"));
    expect(waits.length).toBeGreaterThanOrEqual(RENEWALS);
    for (const { msg, delay_ms } of waits)
      expect({ msg, delay_ms }).toEqual({ msg: "not connected: rotation", delay_ms: 0 });
  });
});
