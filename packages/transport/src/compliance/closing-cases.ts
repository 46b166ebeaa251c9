import { CLOSE_CODES, HawserError } from "@hawser/protocol";
import { describe, expect, test } from "vitest";
import { idsFrom, numbered, padded } from "./events.js";
import { type MakeTransport, onStage } from "./stage.js";

const CODES = [
  { code: CLOSE_CODES.normal, reason: "rotation", clean: true },
  { code: CLOSE_CODES.goingAway, reason: "draining", clean: true },
  { code: CLOSE_CODES.superseded, reason: "a newer session of this agent is open", clean: false },
  { code: CLOSE_CODES.internalError, reason: "", clean: false },
] as const;

/** A connection that is closed: both sides know by whom and why, and what was sent before arrives. */
export function closingCases(make: MakeTransport): void {
  describe.each(CODES)("close $code", ({ code, reason, clean }) => {
    test.each(["client", "server"] as const)("by the %s: told apart on both sides", (side) =>
      onStage(make, async (stage) => {
        const pair = await stage.openPair();
        const closing = pair[side];
        const other = side === "client" ? pair.server : pair.client;
        closing.connection.close(code, reason);
        expect(await other.seen.end()).toEqual({ kind: "closed", clean, code, reason, by: "peer" });
        expect(await closing.seen.end()).toEqual({ kind: "closed", clean, code, reason, by: "local" });
      }),
    );
  });

  test("a reason too long for the wire is cut, not refused", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const reason = "漢".repeat(500);
      client.connection.close(CLOSE_CODES.policyViolation, reason);
      const end = await server.seen.end();
      expect(end).toMatchObject({ kind: "closed", code: CLOSE_CODES.policyViolation });
      if (end.kind !== "closed") return;
      expect(end.reason.length).toBeGreaterThan(0);
      expect(reason.startsWith(end.reason)).toBe(true);
    }));

  test.each(["client", "server"] as const)("everything the %s sent before it closed arrives", (side) =>
    onStage(make, async (stage) => {
      const pair = await stage.openPair();
      const other = side === "client" ? pair.server : pair.client;
      for (let n = 1; n <= 60; n++) pair[side].connection.send(padded(n, 64 * 1024));
      pair[side].connection.close(CLOSE_CODES.normal, "done");
      expect(await other.seen.end()).toMatchObject({ kind: "closed", clean: true });
      expect(other.seen.ids).toEqual(idsFrom(1, 60));
    }),
  );

  test.each(["client", "server"] as const)("the %s that closed still hears what its peer had sent", (side) =>
    onStage(make, async (stage) => {
      const pair = await stage.openPair();
      const other = side === "client" ? pair.server : pair.client;
      pair[side].connection.close(CLOSE_CODES.normal, "done");
      for (let n = 1; n <= 60; n++) other.connection.send(padded(n, 16 * 1024));
      expect(await pair[side].seen.end()).toMatchObject({ kind: "closed", clean: true, by: "local" });
      expect(pair[side].seen.ids).toEqual(idsFrom(1, 60));
    }),
  );

  test("both close at once: both see a close, and the client learns what the server meant", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.send(numbered(1));
      server.connection.send(numbered(1));
      client.connection.close(CLOSE_CODES.normal, "rotation");
      server.connection.close(CLOSE_CODES.superseded, "superseded");
      expect(await client.seen.end()).toMatchObject({ kind: "closed", clean: false, code: 4002 });
      expect(await server.seen.end()).toMatchObject({ kind: "closed" });
      expect(client.seen.ids).toEqual(["event-1"]);
      expect(server.seen.ids).toEqual(["event-1"]);
    }));

  test("after close nothing is sent, and closing again changes nothing", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.send(numbered(1));
      client.connection.close(CLOSE_CODES.normal, "first");
      expect(client.connection.send(numbered(2))).toBe("closed");
      client.connection.close(CLOSE_CODES.superseded, "second");
      expect(await server.seen.end()).toMatchObject({ code: 1000, reason: "first" });
      expect(await client.seen.end()).toMatchObject({ code: 1000, reason: "first" });
      expect(server.seen.ids).toEqual(["event-1"]);
    }));

  test("after the end, send answers closed and close and terminate do nothing", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      client.connection.close(CLOSE_CODES.normal, "");
      await Promise.all([client.seen.end(), server.seen.end()]);
      for (const { connection, seen } of [client, server]) {
        expect(connection.send(numbered(1))).toBe("closed");
        connection.close(CLOSE_CODES.normal, "");
        connection.terminate(new HawserError("aborted", "too late"));
        expect(connection.bufferedBytes).toBe(0);
        expect(seen.ends).toHaveLength(1);
      }
    }));

  test("whoever is told closed by send has an end to look at, and its neighbours send on", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.connection.close(CLOSE_CODES.superseded, "a newer one is open");
      await server.seen.end();
      for (let n = 1; n <= 3; n += 1) expect(server.connection.send(numbered(n))).toBe("closed");
      expect(await client.seen.end()).toMatchObject({ code: CLOSE_CODES.superseded });
      expect(client.connection.send(numbered(1))).toBe("closed");
      expect(client.seen.ids).toEqual([]);
      await stage.roundTrips();
    }));

  test("close inside a message handler: what the peer had sent is still delivered", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.seen.onMessage = (event) => {
        if (event.id === "event-1") server.connection.close(CLOSE_CODES.goingAway, "draining");
      };
      for (let n = 1; n <= 10; n++) client.connection.send(numbered(n));
      expect(await client.seen.end()).toMatchObject({ kind: "closed", clean: true, code: 1001, by: "peer" });
      expect(await server.seen.end()).toMatchObject({ kind: "closed", clean: true, by: "local" });
      expect(server.seen.ids).toEqual(idsFrom(1, 10));
    }));
}
