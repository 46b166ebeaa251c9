import { expect, test } from "vitest";
import { idsFrom, numbered, padded } from "./events.js";
import { type MakeTransport, onStage } from "./stage.js";

/** What was sent arrives, all of it, in order, as long as the connection lives. */
export function deliveryCases(make: MakeTransport): void {
  test("events sent in one tick arrive in order, both ways at once", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      for (let n = 1; n <= 1000; n++) {
        client.connection.send(numbered(n));
        server.connection.send(numbered(n));
      }
      await Promise.all([client.seen.received(1000), server.seen.received(1000)]);
      expect(client.seen.ids).toEqual(idsFrom(1, 1000));
      expect(server.seen.ids).toEqual(idsFrom(1, 1000));
    }));

  test("events of mixed sizes, sent over many ticks, arrive in order", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const sizes = [0, 1, 100, 126, 65_535, 65_536, 10, 200_000, 3];
      for (const [index, size] of sizes.entries()) {
        client.connection.send(padded(index + 1, size));
        server.connection.send(padded(index + 1, size));
        await server.seen.received(Math.ceil(index / 2));
      }
      await Promise.all([client.seen.received(sizes.length), server.seen.received(sizes.length)]);
      const sent = sizes.map((size, index) => padded(index + 1, size));
      expect(server.seen.messages).toEqual(sent);
      expect(client.seen.messages).toEqual(sent);
    }));

  test("what is sent inside a message handler arrives", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.seen.onMessage = (event) => server.connection.send(event);
      for (let n = 1; n <= 100; n++) client.connection.send(numbered(n));
      await client.seen.received(100);
      expect(client.seen.ids).toEqual(idsFrom(1, 100));
    }));

  test("every kind of attribute and data survives", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const event = {
        ...numbered(1, { text: "Ümläut, 漢字, 🚢", list: [1, null, true, { deep: [] }], empty: {} }),
        subject: "ConfigFile/motd",
        time: "2026-11-21T03:00:00Z",
        resourceid: "motd_0b8ff2",
        eventid: "42",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      };
      client.connection.send(event);
      await server.seen.received(1);
      expect(server.seen.messages).toEqual([event]);
    }));

  test("what arrives between accept and open is held back, not lost", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      for (let n = 1; n <= 100; n++) {
        client.connection.send(numbered(n));
        server.connection.send(numbered(n));
      }
      await stage.roundTrips();
      expect(client.seen.messages).toEqual([]);
      client.open();
      server.open();
      await Promise.all([client.seen.received(100), server.seen.received(100)]);
      expect(client.seen.ids).toEqual(idsFrom(1, 100));
      expect(server.seen.ids).toEqual(idsFrom(1, 100));
    }));

  test("a peer that sent, closed and is gone before open is heard in full", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      for (let n = 1; n <= 100; n++) client.connection.send(numbered(n));
      client.open();
      client.connection.close(1000, "done");
      await stage.roundTrips();
      server.open();
      expect(await server.seen.end()).toMatchObject({ kind: "closed", code: 1000, by: "peer" });
      expect(server.seen.ids).toEqual(idsFrom(1, 100));
    }));

  test("handlers are never called before open has returned", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      client.connection.send(numbered(1));
      await stage.roundTrips();
      server.open();
      const calledInsideOpen = [...server.seen.log];
      await server.seen.received(1);
      expect(calledInsideOpen).toEqual([]);
    }));

  test("connections do not see each other's events", () =>
    onStage(make, async (stage) => {
      const pairs = [await stage.openPair(), await stage.openPair(), await stage.openPair()];
      for (const [index, pair] of pairs.entries()) pair.client.connection.send(numbered(index + 1));
      await Promise.all(pairs.map((pair) => pair.server.seen.received(1)));
      expect(pairs.map((pair) => pair.server.seen.ids)).toEqual([["event-1"], ["event-2"], ["event-3"]]);
    }));
}
