import { CLOSE_CODES, HawserError } from "@hawser/protocol";
import { expect, test } from "vitest";
import { idsFrom, numbered } from "./events.js";
import { type MakeTransport, onStage } from "./stage.js";

/** A connection that is cut, terminated or left half open: never mistaken for one that was closed. */
export function lossCases(make: MakeTransport): void {
  test("a reset is lost, on both sides, and nobody else notices", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      await stage.roundTrips(1);
      stage.faults.cut();
      expect(await client.seen.end()).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
      expect(await server.seen.end()).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
      await stage.roundTrips(1);
    }));

  test("a reset while a close is under way is lost for who closed", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      stage.faults.blackhole();
      client.connection.close(CLOSE_CODES.normal, "rotation");
      await stage.roundTrips();
      expect(client.seen.ends).toEqual([]);
      stage.faults.cut();
      expect(await client.seen.end()).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
      expect(await server.seen.end()).toMatchObject({ kind: "lost" });
    }));

  test.each(["client", "server"] as const)(
    "terminate by the %s is lost: here with its error, there without a close",
    (side) =>
      onStage(make, async (stage) => {
        const pair = await stage.openPair();
        const other = side === "client" ? pair.server : pair.client;
        const error = new HawserError("heartbeat_timeout", "nothing was heard");
        pair[side].connection.terminate(error);
        expect(await pair[side].seen.end()).toEqual({ kind: "lost", error });
        expect(await other.seen.end()).toMatchObject({ kind: "lost" });
      }),
  );

  test("terminate inside a message handler: nothing is delivered after it", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.seen.onMessage = () =>
        server.connection.terminate(new HawserError("internal", "handler failed"));
      for (let n = 1; n <= 10; n++) client.connection.send(numbered(n));
      await Promise.all([client.seen.end(), server.seen.end()]);
      expect(server.seen.ids).toEqual(["event-1"]);
    }));

  test("a half-open peer: no end by itself; terminate ends it at once and the rest comes undone", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      stage.faults.blackhole();
      client.connection.send(numbered(1));
      server.connection.send(numbered(1));
      await stage.roundTrips();
      expect([...client.seen.log, ...server.seen.log]).toEqual([]);
      client.connection.terminate(new HawserError("heartbeat_timeout", "nothing was heard"));
      expect(await client.seen.end()).toMatchObject({ kind: "lost", error: { code: "heartbeat_timeout" } });
      await stage.roundTrips();
      expect(server.seen.log).toEqual([]);
      server.connection.terminate(new HawserError("heartbeat_timeout", "nothing was heard"));
      expect(await server.seen.end()).toMatchObject({ kind: "lost", error: { code: "heartbeat_timeout" } });
    }));

  test("a pause of the network that ends in time loses nothing", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      stage.faults.blackhole();
      for (let n = 1; n <= 10; n++) client.connection.send(numbered(n));
      await stage.roundTrips();
      expect(server.seen.ids).toEqual([]);
      stage.faults.restore();
      await server.seen.received(10);
      expect(server.seen.ids).toEqual(idsFrom(1, 10));
    }));

  test("stopping the acceptor ends what is open, as lost, on both sides", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      await stage.transport.acceptor.stop();
      expect(await client.seen.end()).toMatchObject({ kind: "lost" });
      expect(await server.seen.end()).toMatchObject({ kind: "lost" });
      await stage.transport.acceptor.stop();
    }));
}
