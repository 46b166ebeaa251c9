import { expect, test } from "vitest";
import { type MakeTransport, onStage } from "./stage.js";

/** How a connection comes to be, and the named errors when it does not. */
export function dialingCases(make: MakeTransport): void {
  test("both ends know the transport and an address of the peer", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      expect(client.connection.transport).toBe(server.connection.transport);
      expect(stage.dialer.transport).toBe(client.connection.transport);
      expect(client.connection.peer.address).not.toBe("");
      expect(server.connection.peer.address).not.toBe("");
    }));

  test("an acceptor that is started twice refuses by name and goes on; stopped, it can be started again", () =>
    onStage(make, async (stage) => {
      const { acceptor } = stage.transport;
      const another = (): void => expect.unreachable();
      await expect(acceptor.start(another)).rejects.toMatchObject({ code: "invalid_state" });
      await stage.roundTrips();
      await acceptor.stop();
      await acceptor.start(() => {});
      await expect(acceptor.start(another)).rejects.toMatchObject({ code: "invalid_state" });
    }));

  test("a connection is opened once", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      for (const { connection, seen } of [client, server])
        expect(() => connection.open(seen)).toThrow(expect.objectContaining({ code: "invalid_state" }));
      await stage.roundTrips();
    }));

  test("the acceptor has stopped: connection_failed; behind a server that goes on, overloaded", () =>
    onStage(make, async (stage) => {
      const { acceptor, wire } = stage.transport;
      await acceptor.stop();
      const goesOn = wire.kind === "sockets" && wire.server !== undefined;
      const code = goesOn ? "overloaded" : "connection_failed";
      await expect(stage.directDialer.dial()).rejects.toMatchObject({ code });
    }));

  test("nothing answers: timeout", () =>
    onStage(make, async (stage) => {
      stage.faults.blackhole();
      await expect(stage.dialer.dial({ timeoutMs: 30 })).rejects.toMatchObject({ code: "timeout" });
      await stage.roundTrips();
    }));

  test("the caller gives up while dialling: aborted, and nothing stays open", () =>
    onStage(make, async (stage) => {
      stage.faults.blackhole();
      const controller = new AbortController();
      const dialing = stage.dialer.dial({ signal: controller.signal });
      const failed = expect(dialing).rejects.toMatchObject({ code: "aborted" });
      await stage.roundTrips();
      controller.abort();
      await failed;
      expect(stage.unclaimed).toBe(0);
    }));

  test("the caller had given up before: aborted, and no connection is tried", () =>
    onStage(make, async (stage) => {
      await expect(stage.dialer.dial({ signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: "aborted",
      });
      await stage.roundTrips();
      expect(stage.unclaimed).toBe(0);
    }));

  test("a signal that fires later does not touch the connection", () =>
    onStage(make, async (stage) => {
      const controller = new AbortController();
      const { client } = await stage.dialPair(stage.dialer, { signal: controller.signal });
      client.open();
      controller.abort();
      await stage.roundTrips();
      expect(client.seen.log).toEqual([]);
    }));
}
