import { CLOSE_CODES } from "@hawser/protocol";
import { expect, test, vi } from "vitest";
import type { Connection, SendResult } from "../connection.js";
import { idsFrom, numbered, padded } from "./events.js";
import { type End, type MakeTransport, onStage } from "./stage.js";

const EVENT_BYTES = 64 * 1024;

/** More than the kernel waits for before it takes more. */
const SLOW_STEP_EVENTS = 48;

/** More than the kernel's socket buffers and the proxy can swallow between a sender and a peer that does not read. */
const MORE_THAN_THE_WIRE_HOLDS = 128 * 1024 * 1024;

/** A slow peer is noticed by the sender, bounded in memory, and given up in the end. */
export function backpressureCases(make: MakeTransport): void {
  test("send answers full above the high-water mark, writable follows, and all arrives", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      const count = Math.ceil((4 * stage.bufferLimits.highWaterBytes) / EVENT_BYTES);
      let refusals = 0;
      for (let n = 1; n <= count; n++) {
        const writablesBefore = client.seen.writables;
        const result = client.connection.send(padded(n, EVENT_BYTES));
        if (result === "queued") continue;
        expect(result).toBe("full");
        refusals += 1;
        expect(client.connection.bufferedBytes).toBeGreaterThan(stage.bufferLimits.highWaterBytes);
        await client.seen.until(() => client.seen.writables > writablesBefore);
        expect(client.connection.bufferedBytes).toBeLessThanOrEqual(stage.bufferLimits.lowWaterBytes);
      }
      await server.seen.received(count);
      expect(refusals).toBeGreaterThan(0);
      expect(client.seen.writables).toBe(refusals);
      expect(server.seen.ids).toEqual(idsFrom(1, count));
      await vi.waitFor(() => expect(client.connection.bufferedBytes).toBe(0), { interval: 5 });
    }));

  test("while the peer does not read there is no writable; once it reads, all arrives", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      client.open();
      const sent = fill(client.connection);
      let total = sent;
      client.seen.onWritable = () => {
        total += fill(client.connection, total);
        expect(total * EVENT_BYTES).toBeLessThan(MORE_THAN_THE_WIRE_HOLDS);
      };
      await untilStill(
        () => stage.roundTrips(),
        () => total,
      );
      expect(client.connection.bufferedBytes).toBeGreaterThan(stage.bufferLimits.lowWaterBytes);
      client.seen.onWritable = () => {};
      const writablesBefore = client.seen.writables;
      server.open();
      await server.seen.received(total);
      await client.seen.until(() => client.seen.writables > writablesBefore);
      expect(server.seen.ids).toEqual(idsFrom(1, total));
    }));

  test("whatever a slow reader takes is progress, also while one large write is under way", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.connection.pause();
      let total = fill(client.connection);
      client.seen.onWritable = () => (total += fill(client.connection, total));
      await untilStill(
        () => stage.roundTrips(),
        () => total,
      );
      client.seen.onWritable = () => {};
      // What follows in one tick may be one write, of which the connection counts every byte until all of it is through.
      const { hardLimitBytes } = stage.bufferLimits;
      while (client.connection.bufferedBytes + 2 * EVENT_BYTES < hardLimitBytes)
        client.connection.send(padded((total += 1), EVENT_BYTES));
      await stage.roundTrips();
      while (server.seen.messages.length < total) {
        const { bufferedBytes, sentBytes = 0 } = client.connection;
        await read(server, Math.min(total, server.seen.messages.length + SLOW_STEP_EVENTS));
        if (bufferedBytes === 0) continue;
        await vi.waitFor(() => expect(hasLeft(client.connection, bufferedBytes, sentBytes)).toBe(true), {
          interval: 5,
          timeout: 10_000,
        });
      }
      expect(server.seen.ids).toEqual(idsFrom(1, total));
    }));

  test("a paused end holds the peer back, still sends, and gets everything once it resumes", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.connection.pause();
      let total = fill(client.connection);
      client.seen.onWritable = () => {
        total += fill(client.connection, total);
        expect(total * EVENT_BYTES).toBeLessThan(MORE_THAN_THE_WIRE_HOLDS);
      };
      await untilStill(
        () => stage.roundTrips(),
        () => total,
      );
      expect(client.connection.bufferedBytes).toBeGreaterThan(stage.bufferLimits.lowWaterBytes);
      server.connection.send(numbered(1));
      await client.seen.received(1);
      client.seen.onWritable = () => {};
      server.connection.resume();
      await server.seen.received(total);
      expect(server.seen.ids).toEqual(idsFrom(1, total));
    }));

  test("an end that pauses at each event gets one at a time, in order, and the close behind them", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      server.seen.onMessage = () => server.connection.pause();
      const total = 40;
      // In one tick, and so in one read of the socket.
      for (let n = 1; n <= total; n++) client.connection.send(padded(n, 100));
      client.connection.close(CLOSE_CODES.normal, "");
      for (let n = 1; n <= total; n++) {
        await server.seen.until(() => server.seen.messages.length >= n);
        await stage.roundTrips();
        expect([server.seen.messages.length, server.seen.ends.length]).toEqual([n, 0]);
        server.connection.resume();
      }
      expect(server.seen.ids).toEqual(idsFrom(1, total));
      expect(await server.seen.end()).toMatchObject({ kind: "closed", code: CLOSE_CODES.normal });
    }));

  test("an end that pauses and resumes within an event gets each of them once", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.openPair();
      let hasWaited = false;
      server.seen.onMessage = () => {
        server.connection.pause();
        if (hasWaited) server.connection.resume();
      };
      for (let n = 1; n <= 40; n++) client.connection.send(padded(n, 100));
      await server.seen.received(1);
      hasWaited = true;
      server.connection.resume();
      await server.seen.received(40);
      expect(server.seen.ids).toEqual(idsFrom(1, 40));
    }));

  test("past the hard limit the connection is lost as a slow consumer, others are not", () =>
    onStage(make, async (stage) => {
      const { client, server } = await stage.dialPair();
      client.open();
      const most = Math.ceil(stage.bufferLimits.hardLimitBytes / EVENT_BYTES) + 1;
      let sent = 0;
      let result: SendResult = "queued";
      while (result !== "closed" && sent <= most) {
        sent += 1;
        result = client.connection.send(padded(sent, EVENT_BYTES));
      }
      expect(result).toBe("closed");
      expect(await client.seen.end()).toMatchObject({ kind: "lost", error: { code: "slow_consumer" } });
      expect(client.connection.send(padded(0, 1))).toBe("closed");
      server.open();
      expect(await server.seen.end()).toMatchObject({ kind: "lost" });
      await stage.roundTrips();
    }));
}

/** Reads until so many events are there, and no more than one read of the socket beyond. */
async function read({ connection, seen }: End, upTo: number): Promise<void> {
  seen.onMessage = () => {
    if (seen.messages.length >= upTo) connection.pause();
  };
  connection.resume();
  await seen.until(() => seen.messages.length >= upTo);
}

function hasLeft(connection: Connection, bufferedBytes: number, sentBytes: number): boolean {
  return connection.bufferedBytes < bufferedBytes || (connection.sentBytes ?? 0) > sentBytes;
}

/** Sends until told to stop; answers how many events that took. */
function fill(connection: Connection, already = 0): number {
  let sent = 0;
  do sent += 1;
  while (connection.send(padded(already + sent, EVENT_BYTES)) === "queued");
  return sent;
}

/** Resolves once `measure` has not changed over several spans of unrelated work. */
async function untilStill(work: () => Promise<void>, measure: () => number): Promise<void> {
  for (let still = 0; still < 5; ) {
    const before = measure();
    await work();
    still = measure() === before ? still + 1 : 0;
  }
}
