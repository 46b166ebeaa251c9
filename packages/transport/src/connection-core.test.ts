import { type CloudEvent, HawserError } from "@hawser/protocol";
import { silentLogger, type Timers } from "@hawser/runtime";
import { expect, test } from "vitest";
import { numbered } from "./compliance/events.js";
import { Recorder } from "./compliance/recorder.js";
import type { Close } from "./close-outcome.js";
import { ConnectionCore } from "./connection-core.js";
import type { ConnectionEnd } from "./connection.js";

/** A connection whose wire is the test. */
class ScriptedConnection extends ConnectionCore {
  readonly transport = "scripted";
  readonly wire: string[] = [];
  waiting = 0;
  readonly due: (() => void)[];

  constructor(accepted = false) {
    const due: (() => void)[] = [];
    const timers: Timers = {
      after: () => ({ cancel: () => {} }),
      soon(callback) {
        due.push(callback);
        return { cancel: () => {} };
      },
    };
    super({
      peer: { address: "peer" },
      limits: { highWaterBytes: 10, lowWaterBytes: 5, hardLimitBytes: 20 },
      maxFrameBytes: 100,
      accepted,
      runtime: { timers, logger: silentLogger },
    });
    this.due = due;
  }

  tick(): void {
    for (const step of this.due.splice(0)) step();
  }

  hear(n: number): void {
    this.received(numbered(n));
  }

  hearUnreadable(error: HawserError): void {
    this.unreadable(error, 1);
  }

  hearClose(code: number, reason = ""): void {
    this.closeReceived({ code, reason });
  }

  hearTooMuch(): void {
    this.admits(101);
  }

  break(): void {
    this.endBroken(new HawserError("connection_closed", "broken"));
  }

  beReplaced(): void {
    this.retire();
  }

  drain(to: number): void {
    this.waiting = to;
    this.drained();
  }

  protected override get waitingBytes(): number {
    return this.waiting;
  }

  protected override write({ id }: CloudEvent): number {
    this.wire.push(id);
    this.waiting += 6;
    return this.waiting;
  }

  protected override readOn(): void {
    this.wire.push("read");
  }

  protected override holdBack(): void {
    this.wire.push("hold");
  }

  protected override sayClose({ code }: Close): void {
    this.wire.push(`close ${code}`);
  }

  protected override release({ kind }: ConnectionEnd): void {
    this.wire.push(`release ${kind}`);
  }
}

function opened(seen = new Recorder()): { connection: ScriptedConnection; seen: Recorder } {
  const connection = new ScriptedConnection();
  connection.open(seen);
  return { connection, seen };
}

test("what comes before open is told in its order, and only when open has returned", () => {
  const connection = new ScriptedConnection();
  const seen = new Recorder();
  connection.hear(1);
  connection.hear(2);
  connection.hearClose(1000, "done");
  connection.open(seen);
  expect(seen.log).toEqual([]);
  connection.tick();
  expect(seen.ids).toEqual(["event-1", "event-2"]);
  expect(seen.ends).toEqual([{ kind: "closed", clean: true, code: 1000, reason: "done", by: "peer" }]);
});

test("a loss before open is told behind the events before it", () => {
  const connection = new ScriptedConnection();
  const seen = new Recorder();
  connection.hear(1);
  connection.break();
  connection.open(seen);
  connection.tick();
  expect(seen.log).toEqual(["message", "ended"]);
});

test("whoever opens a connection that needs nothing asks for no tick", () => {
  const { connection } = opened();
  expect(connection.due).toEqual([]);
  expect(connection.wire).toEqual(["read"]);
});

test("a pause holds what comes, the close behind it; a handler may pause again and resume from within", () => {
  const { connection, seen } = opened();
  seen.onMessage = ({ id }) => {
    connection.pause();
    if (id === "event-3") connection.resume();
  };
  connection.pause();
  for (const n of [1, 2, 3, 4]) connection.hear(n);
  connection.hearClose(1000);
  const heard: number[] = [];
  for (let step = 0; step < 4; step += 1) {
    connection.resume();
    heard.push(seen.ids.length);
  }
  expect(heard).toEqual([1, 2, 4, 4]);
  expect(seen.ids).toEqual(["event-1", "event-2", "event-3", "event-4"]);
  expect(seen.log.at(-1)).toBe("ended");
});

test("a connection that broke during a pause is told at once, without what nobody had seen", () => {
  const { connection, seen } = opened();
  connection.pause();
  connection.hear(1);
  connection.break();
  expect(seen.log).toEqual(["ended"]);
  connection.resume();
  expect(seen.log).toEqual(["ended"]);
});

test("full above the high-water mark, writable below the low one, closed past the hard limit", () => {
  const { connection, seen } = opened();
  expect([connection.send(numbered(1)), connection.send(numbered(2))]).toEqual(["queued", "full"]);
  connection.drain(6);
  expect(seen.writables).toBe(0);
  connection.drain(5);
  connection.drain(0);
  expect(seen.writables).toBe(1);
  connection.waiting = 18;
  expect(connection.send(numbered(3))).toBe("closed");
  expect(seen.ends).toMatchObject([{ kind: "lost", error: { code: "slow_consumer" } }]);
  expect(connection.bufferedBytes).toBe(0);
});

test("room that was made before open is told behind it", () => {
  const connection = new ScriptedConnection();
  const seen = new Recorder();
  connection.send(numbered(1));
  expect(connection.send(numbered(2))).toBe("full");
  connection.drain(0);
  connection.open(seen);
  connection.tick();
  expect(seen.writables).toBe(1);
});

test.each([
  ["the peer repeats the code", 1000, { code: 1000, reason: "mine", by: "local" }],
  ["the peer has a reason of its own", 4002, { code: 4002, reason: "theirs", by: "peer" }],
] as const)("closed on this side, and %s", (_name, code, outcome) => {
  const { connection, seen } = opened();
  connection.close(1000, "mine");
  connection.close(4001, "again");
  expect(connection.send(numbered(1))).toBe("closed");
  connection.hear(1);
  connection.hearClose(code, "theirs");
  connection.hear(2);
  expect(seen.ids).toEqual(["event-1"]);
  expect(seen.ends).toMatchObject([outcome]);
  expect(connection.wire).toEqual(["read", "close 1000", "release closed"]);
});

test.each(["hearClose", "break"] as const)(
  "over a bad frame nothing is delivered any more, and the code stands whatever follows (%s)",
  (how) => {
    const { connection, seen } = opened();
    connection.hearTooMuch();
    connection.hear(1);
    connection.hearTooMuch();
    if (how === "hearClose") connection.hearClose(4002);
    else connection.break();
    expect(seen.log).toEqual(["ended"]);
    expect(seen.ends).toMatchObject([{ kind: "closed", code: 1009, by: "local" }]);
    expect(connection.wire).toEqual(["read", "close 1009", "release closed"]);
  },
);

test("an event that cannot be read is told where it has its key, and else closes the connection", () => {
  const { connection, seen } = opened();
  const key = { resource_id: "a_1", event_id: "7" };
  connection.hearUnreadable(new HawserError("invalid_event", "no subject", key));
  expect(seen.log).toEqual(["unreadable"]);
  connection.hearUnreadable(new HawserError("invalid_event", "no type"));
  expect(connection.wire).toEqual(["read", "close 1007"]);
});

test("retiring is told once, also where it came before open", () => {
  const connection = new ScriptedConnection();
  let told = 0;
  connection.beReplaced();
  connection.open({ message() {}, writable() {}, ended() {}, retiring: () => void (told += 1) });
  connection.tick();
  connection.beReplaced();
  expect(told).toBe(1);
});

test("ended is told once, whatever ends it a second time, and a connection is opened once", () => {
  const { connection, seen } = opened();
  connection.terminate(new HawserError("aborted", "first"));
  connection.terminate(new HawserError("aborted", "second"));
  connection.break();
  connection.hearClose(1000);
  expect(seen.ends).toMatchObject([{ kind: "lost", error: { message: "first" } }]);
  expect(() => connection.open(seen)).toThrow("opened once");
});

test("a handler that throws as held events are told ends its connection", () => {
  const connection = new ScriptedConnection();
  const seen = new Recorder();
  seen.onMessage = () => {
    throw new Error("a fault of the owner");
  };
  connection.hear(1);
  connection.hear(2);
  connection.open(seen);
  connection.tick();
  expect(seen.log).toEqual(["message", "ended"]);
  expect(seen.ends).toMatchObject([{ kind: "lost", error: { message: "a fault of the owner" } }]);
});
