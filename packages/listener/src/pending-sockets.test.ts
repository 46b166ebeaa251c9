import { createVirtualRuntime } from "@hawser/testkit";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { resolveAdmissionSettings, type AdmissionSettings } from "./admission/admission-settings.js";
import type { DropReason, Handshake, PendingSocket } from "./pending-socket.js";
import { MAX_BEGUN_PER_TURN, PendingSockets } from "./pending-sockets.js";

class FakeSocket extends EventEmitter {
  destroyed = false;
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit("close");
  }
}

interface Stream extends Handshake {
  readonly isCut: () => boolean;
}

describe("sockets and streams that are no session yet", () => {
  let world: ReturnType<typeof createVirtualRuntime>;
  const dropped: DropReason[] = [];
  let begun: PendingSocket[] = [];

  beforeEach(() => {
    world = createVirtualRuntime({ seed: 1 });
    dropped.length = 0;
    begun = [];
  });

  function pendingSocketsOf(settings: Partial<AdmissionSettings>): PendingSockets {
    return new PendingSockets({
      runtime: world.runtime,
      settings: resolveAdmissionSettings({ rampMs: 0, burst: 1_000, ratePerSecond: 1_000, ...settings }),
      begin: (pending) => {
        pending.stage = "handedOver";
        begun.push(pending);
      },
      dropped: (_pending, why) => void dropped.push(why),
      streamCut: () => {},
      lost: () => {},
    });
  }

  function connect(pendingSockets: PendingSockets, address: string): FakeSocket {
    const socket = new FakeSocket();
    // Only `once`, `destroy` and the address are used.
    pendingSockets.add({ kind: "accepted", socket: socket as unknown as Socket }, address);
    return socket;
  }

  function stream(pendingSockets: PendingSockets, address: string): Stream {
    let isCut = false;
    const handshake: Stream = {
      peer: { address },
      terminate: () => {
        isCut = true;
        pendingSockets.handshakeDone(handshake, "ended");
      },
      isCut: () => isCut,
    };
    pendingSockets.opened(handshake);
    return handshake;
  }

  describe("of an address whose connections come to nothing", () => {
    const ADDRESS = "192.0.2.1";
    const settings = { ratePerSecond: 1_000, failuresPerSecond: 10, maxWaitMs: 60_000 };
    let port = 1;
    const address = (): string => `${ADDRESS}:${(port += 1)}`;

    /** Each ends as soon as it is let in, for as long. */
    async function fail(pendingSockets: PendingSockets, seconds: number): Promise<void> {
      for (let ms = 0; ms < seconds * 1_000; ms += 10) {
        for (const { socket } of begun.splice(0)) socket.destroy();
        connect(pendingSockets, address());
        await world.advance(10);
      }
      for (const { socket } of begun.splice(0)) socket.destroy();
    }

    it("the next ones wait, those of others do not, and nobody is lost", async () => {
      const pendingSockets = pendingSocketsOf(settings);
      await fail(pendingSockets, 5);
      const waiting = pendingSockets.stats().waiting;
      // 500 came, and 10 a second may fail, 20 at first.
      expect(waiting).toBeGreaterThan(400);
      expect(pendingSockets.stats().slowedSources).toBe(1);
      connect(pendingSockets, "192.0.2.2:1");
      await world.advance(0);
      expect(begun.map((pending) => pending.address)).toContain("192.0.2.2:1");
    });

    it("whoever has shown a good credential, or is sent away by this side, has not failed", async () => {
      const pendingSockets = pendingSocketsOf(settings);
      for (let n = 0; n < 200; n += 1) {
        const from = address();
        const socket = connect(pendingSockets, from);
        await world.advance(1);
        if (n % 2 === 0) pendingSockets.known(from);
        else pendingSockets.handshakeDone(stream(pendingSockets, from), "sentAway");
        socket.destroy();
      }
      expect(pendingSockets.stats().slowedSources).toBe(0);
    });

    it("those that wait too long are closed without a word, because a word costs a handshake", async () => {
      const pendingSockets = pendingSocketsOf({ ...settings, maxWaitMs: 1_000, handshakeTimeoutMs: 2_000 });
      await fail(pendingSockets, 5);
      expect(dropped).toContain("overCapacity");
      expect(pendingSockets.stats().refused).toBe(0);
    });

    it("whoever comes behind a hundred of them has its turn, however short others wait", async () => {
      const pendingSockets = pendingSocketsOf({ ...settings, maxWaitMs: 1_000 });
      await fail(pendingSockets, 1.3);
      expect(pendingSockets.stats().waiting).toBeGreaterThan(90);
      connect(pendingSockets, "192.0.2.1:9");
      const isIn = (): boolean => begun.some((pending) => pending.address === "192.0.2.1:9");
      for (let seconds = 0; seconds < 12 && !isIn(); seconds += 1) {
        for (const { socket } of begun.splice(0)) socket.destroy();
        await world.advance(1_000);
      }
      expect(isIn()).toBe(true);
      expect(dropped).toEqual([]);
    });
  });

  it("no more handshakes begin in one turn of the event loop than it can take, and all in the end", async () => {
    const pendingSockets = pendingSocketsOf({});
    for (let n = 0; n < 10; n += 1) connect(pendingSockets, `192.0.2.1:${n + 1}`);
    expect(begun).toHaveLength(MAX_BEGUN_PER_TURN);
    await world.advance(0);
    expect(begun).toHaveLength(10);
    expect(pendingSockets.stats().waiting).toBe(0);
  });

  it("a socket whose first stream was spoilt is cut in its time, however many others it has", async () => {
    const pendingSockets = pendingSocketsOf({ handshakeTimeoutMs: 12_000 });
    const socket = connect(pendingSockets, "192.0.2.1:1");
    pendingSockets.handshakeDone(stream(pendingSockets, "192.0.2.1:1"), "ended");
    for (let round = 0; round < 3 && !socket.destroyed; round += 1) {
      const silent = Array.from({ length: 16 }, () => stream(pendingSockets, "192.0.2.1:1"));
      await world.advance(5_000);
      for (const each of silent) pendingSockets.handshakeDone(each, "ended");
    }
    expect(socket.destroyed).toBe(true);
    expect(dropped).toEqual(["timeout"]);
    expect(pendingSockets.stats().unauthenticated).toBe(0);
  });

  it("a further stream that becomes a session keeps its socket", async () => {
    const pendingSockets = pendingSocketsOf({ handshakeTimeoutMs: 12_000 });
    const socket = connect(pendingSockets, "192.0.2.1:1");
    pendingSockets.handshakeDone(stream(pendingSockets, "192.0.2.1:1"), "ended");
    const good = stream(pendingSockets, "192.0.2.1:1");
    const turn = pendingSockets.awaitAdmission(good);
    await world.advance(10);
    expect(await turn).toEqual({ kind: "proceed" });
    expect(pendingSockets.handshakeDone(good, "session")).toBeDefined();
    await world.advance(60_000);
    expect(socket.destroyed).toBe(false);
    expect(pendingSockets.stats()).toMatchObject({ unauthenticated: 0, handshakes: 0 });
  });

  it("streams count like sockets: beyond the budget the address with the most loses, stalled ones first", async () => {
    const pendingSockets = pendingSocketsOf({ maxUnauthenticated: 10, handshakeTimeoutMs: 60_000 });
    const stalled = connect(pendingSockets, "192.0.2.1:1");
    await world.advance(1_500);
    const streams = Array.from({ length: 7 }, () => stream(pendingSockets, "192.0.2.1:1"));
    const quiet = connect(pendingSockets, "192.0.2.2:1");
    const last = connect(pendingSockets, "192.0.2.1:2");
    expect(pendingSockets.stats().unauthenticated).toBe(10);
    const another = connect(pendingSockets, "192.0.2.3:1");
    expect([stalled, last, quiet, another].map(({ destroyed }) => destroyed)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    connect(pendingSockets, "192.0.2.4:1");
    expect([last.destroyed, ...streams.map(({ isCut }) => isCut())].filter(Boolean)).toHaveLength(1);
    expect(dropped).toEqual(["budget", "budget"]);
  });

  it.each(["nothing", "a good credential", "a session"] as const)(
    "a socket with %s on it, of which a stream is cut, goes only where that is nothing",
    async (what) => {
      const pendingSockets = pendingSocketsOf({ maxUnauthenticated: 4 });
      const address = "192.0.2.1:1";
      const socket = connect(pendingSockets, address);
      const first = stream(pendingSockets, address);
      if (what === "a good credential") pendingSockets.known(address);
      if (what === "a session") {
        const turn = pendingSockets.awaitAdmission(first);
        await world.advance(10);
        await turn;
        pendingSockets.handshakeDone(first, "session");
      }
      const further = Array.from({ length: 5 }, () => stream(pendingSockets, address));
      expect(socket.destroyed).toBe(what === "nothing");
      if (what !== "nothing") expect(further.some(({ isCut }) => isCut())).toBe(true);
    },
  );

  it("who has shown a good credential stays", () => {
    const pendingSockets = pendingSocketsOf({ maxUnauthenticated: 2 });
    const known = connect(pendingSockets, "192.0.2.1:1");
    pendingSockets.known("192.0.2.1:1");
    const first = connect(pendingSockets, "192.0.2.1:2");
    const second = connect(pendingSockets, "192.0.2.1:3");
    connect(pendingSockets, "192.0.2.1:4");
    expect([known, first, second].map(({ destroyed }) => destroyed)).toEqual([false, false, true]);
  });

  it("2,500 that stay silent at one address keep no newcomer out, there or elsewhere", async () => {
    const pendingSockets = pendingSocketsOf({ ratePerSecond: 500, burst: 25 });
    for (let n = 0; n < 2_500; n += 1) connect(pendingSockets, `192.0.2.1:${n}`);
    // By then there is a place in the line even for one more of that address.
    await world.advance(1_000);
    for (const address of ["192.0.2.1:9001", "192.0.2.9:1"]) {
      const newcomer = connect(pendingSockets, address);
      await world.advance(6_000);
      expect(newcomer.destroyed).toBe(false);
      expect(begun.some((pending) => pending.address === address)).toBe(true);
      pendingSockets.handshakeDone({ peer: { address }, terminate: () => {} }, "session");
    }
  });
});
