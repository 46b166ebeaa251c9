import { describe, expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import { checkJournal, keyText, readJournal } from "./support/journal.js";
import { Publishers } from "./support/publishers.js";
import { createWorld, TRANSPORTS } from "./support/world.js";

/** Each with another session than the one before. */
const RENEWALS = 5;

describe("an agent that renews its connection under load", () => {
  it.each(TRANSPORTS)(
    "by make before break is never away, and nothing is sent again: %s",
    async (transport) => {
      const world = await createWorld();
      await world.startPrincipal();
      const rotation = ["--rotation", "make-before-break"];
      const agent = await world.journalAgent("edge", {
        transport,
        args: [...rotation, "--rotation-min-ms", "400", "--rotation-max-ms", "600"],
      });
      await agent.start();
      await world.connected("edge");
      const publishers = new Publishers(() => world.api);
      publishers.writeSpecs("edge", "Counter", "a", (n) => ({ n }));
      for (const stream of ["x", "y", "z"]) publishers.sendCommands("edge", stream);
      await becomes(`it has renewed its connection ${RENEWALS} times`, async () => {
        const { state, session } = await world.api.agent("edge");
        expect(state).toBe("connected");
        return session !== undefined && session.epoch > RENEWALS;
      });
      await publishers.stop();
      await becomes("all of it arrives", async () => (await world.api.agent("edge")).pending === 0);

      const { violations, repeats, redelivered, ran } = checkJournal(
        await readJournal(world.path("edge", "journal")),
      );
      expect({ violations, repeats, redelivered }).toEqual({ violations: [], repeats: 0, redelivered: [] });
      expect(await world.api.metric("hawser_events_resent_total")).toBe(0);
      for (const key of publishers.commands.get("edge")?.values() ?? [])
        expect(ran.get(keyText(key))).toBe("command");
      const levels = (await agent.logLines()).map(({ level }) => level);
      expect(new Set(levels)).toEqual(new Set(["info"]));
      expect((await agent.logLines()).filter(({ msg }) => msg.startsWith("not connected"))).toEqual([]);
    },
  );
});
