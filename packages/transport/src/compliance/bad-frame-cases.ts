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

  test("a frame above maxHelloBytes from a peer that is not trusted yet closes with 1009, on both sides", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openUntrusted();
      client.connection.send(numbered(1));
      await server.seen.received(1);
      client.connection.send(padded(2, LIMITS.maxHelloBytes));
      client.connection.send(numbered(3));
      const ends = await Promise.all([client.seen.end(), server.seen.end()]);
      for (const end of ends) expect(end).toMatchObject({ kind: "closed", clean: false, code: 1009 });
      expect(server.seen.ids).toEqual(["event-1"]);
      await stage.roundTrips();
    }));

  test("many frames of up to maxHelloBytes pass before trust, and the largest ones after it", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openUntrusted();
      for (let n = 1; n <= 4; n++) client.connection.send(padded(n, LIMITS.maxHelloBytes - 512));
      await server.seen.received(4);
      server.connection.send(padded(1, LIMITS.maxEventBytes));
      await client.seen.received(1);
      server.connection.trust();
      client.connection.send(padded(5, LIMITS.maxEventBytes));
      await server.seen.received(5);
    }));

  test("an event that cannot be read and has its key is told as such, in its place, and the connection goes on", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const key = { resourceid: "a_1", eventid: "7" };
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.connection.send({ ...numbered(1), resourceid: "a_1", eventid: "6" });
        from.connection.send({ ...numbered(2), ...key, subject: "" });
        from.connection.send(numbered(3));
        await to.seen.until(() => to.seen.ids.includes("event-3"));
        // A transport without a codec reads nothing, and so finds nothing wrong.
        if (to.seen.unread.length === 0) expect(to.seen.ids).toEqual(["event-1", "event-2", "event-3"]);
        else {
          expect(to.seen.unread).toEqual(["a_1@7 invalid_event"]);
          expect(to.seen.log).toEqual(["message", "unreadable", "message"]);
          expect(to.seen.ids).toEqual(["event-1", "event-3"]);
        }
      }
    }));

  test("a control message that cannot be read closes the connection, whatever key it has", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const event = { ...numbered(1), resourceid: "a_1", eventid: "7", subject: "" };
      client.connection.send({ ...event, type: "hawser.control.heartbeat.v1" });
      client.connection.send(numbered(2));
      await server.seen.until(() => server.seen.ends.length > 0 || server.seen.ids.includes("event-2"));
      if (server.seen.ends.length > 0) expect(server.seen.ends[0]).toMatchObject({ code: 1007 });
      else expect(server.seen.ids).toEqual(["event-1", "event-2"]);
      expect(server.seen.unread).toEqual([]);
    }));

  test("the largest event a publisher may hand in passes", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.send(padded(1, LIMITS.maxEventBytes));
      server.connection.send(padded(1, LIMITS.maxEventBytes));
      await Promise.all([client.seen.received(1), server.seen.received(1)]);
    }));
}
