import { LIMITS } from "@hawser/protocol";
import { expect, test } from "vitest";
import { numbered, padded } from "./events.js";
import { type MakeTransport, onStage } from "./stage.js";

/** A frame that may not be never reaches `message`: the connection that carried it closes, the others do not notice. */
export function badFrameCases(make: MakeTransport): void {
  test("a frame above the limit closes the connection with 1009, seen on both sides", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.send(numbered(1));
      client.connection.send(padded(2, LIMITS.maxFrameBytes));
      const ends = await Promise.all([client.seen.end(), server.seen.end()]);
      for (const end of ends) expect(end).toMatchObject({ kind: "closed", clean: false, code: 1009 });
      expect(server.seen.ids).toEqual(["event-1"]);
      await stage.roundTrips();
    }));

  test("the same from the accepting side", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.connection.send(numbered(1));
      server.connection.send(padded(2, LIMITS.maxFrameBytes));
      const ends = await Promise.all([client.seen.end(), server.seen.end()]);
      for (const end of ends) expect(end).toMatchObject({ kind: "closed", clean: false, code: 1009 });
      expect(client.seen.ids).toEqual(["event-1"]);
      await stage.roundTrips();
    }));

  test("the largest event a publisher may hand in passes", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.send(padded(1, LIMITS.maxEventBytes));
      server.connection.send(padded(1, LIMITS.maxEventBytes));
      await Promise.all([client.seen.received(1), server.seen.received(1)]);
    }));
}
