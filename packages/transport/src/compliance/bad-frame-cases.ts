import { LIMITS } from "@hawser/protocol";
import { expect, test } from "vitest";
import { numbered, padded } from "./events.js";
import { type MakeTransport, onStage, type Stage } from "./stage.js";
import type { HostilePeer } from "./under-test.js";

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

  test("an oversized frame of a hostile peer: it is told 1009, its earlier events arrived", () =>
    onStage(make, async (stage) => {
      const hostile = await joinHostile(stage, (peer) => peer.sendOversized());
      if (hostile === undefined) return;
      expect(hostile.end).toMatchObject({ kind: "closed", clean: false, code: 1009, by: "local" });
      expect(hostile.closeCode).toBe(1009);
    }));

  test("a malformed frame of a hostile peer: it is told so, its earlier events arrived", () =>
    onStage(make, async (stage) => {
      const hostile = await joinHostile(stage, (peer) => peer.sendMalformed());
      if (hostile === undefined) return;
      expect(hostile.end).toMatchObject({ kind: "closed", clean: false, by: "local" });
      expect([1003, 1007]).toContain(hostile.closeCode);
    }));
}

async function joinHostile(stage: Stage, attack: (peer: HostilePeer) => void) {
  const { wire } = stage.transport;
  if (wire.kind === "in-process") return undefined;
  const [peer, connection] = await Promise.all([wire.connectHostilePeer(stage.port), stage.accepted()]);
  const server = stage.end(connection);
  server.open();
  peer.sendEvent("before");
  attack(peer);
  peer.sendEvent("after");
  const [closeCode, end] = await Promise.all([peer.closeCode, server.seen.end()]);
  peer.destroy();
  expect(server.seen.ids).toEqual(["before"]);
  await stage.roundTrips();
  return { closeCode, end };
}
