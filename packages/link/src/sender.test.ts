import { HawserError } from "@hawser/protocol";
import { seededRandom, silentLogger, type Runtime } from "@hawser/runtime";
import type { MailboxEntry, MailboxLease } from "@hawser/store";
import { expect, it } from "vitest";
import { TestLease } from "./testing/test-lease.js";
import { OutgoingTurns } from "./outgoing-turns.js";
import { ReadAhead } from "./read-ahead.js";
import { Sender } from "./sender.js";
import { command, status } from "./testing/two-sides.js";

const runtime: Runtime = {
  clock: { now: () => 0, wallTime: () => 0 },
  timers: {
    after: () => ({ cancel: () => {} }),
    soon: (callback) => {
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
  },
  random: seededRandom(1),
  logger: silentLogger,
};

function entry(version: number): MailboxEntry {
  const event = { ...status("a", version), eventid: String(version) };
  return { version, event, bytes: 1 };
}

/** A mailbox whose reads the test can look at. */
class Mailbox extends TestLease {
  override first: readonly MailboxEntry[] = [];
  readonly pending: MailboxEntry[] = [];
  reads = 0;
  onRead = (): void => {};

  override async read(after: number, limit: number): Promise<readonly MailboxEntry[]> {
    this.reads += 1;
    if (this.reads > 20) throw new HawserError("internal", "read over and over");
    const found = this.pending.filter(({ version }) => version > after).slice(0, limit);
    await Promise.resolve();
    this.onRead();
    return found;
  }
}

/** What the claim brings along is nothing here: the first read comes with the first pump. */
async function start(sender: Sender, lease: MailboxLease): Promise<void> {
  sender.start(lease);
  sender.pump(() => true);
  await turns(3);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

it("reads once more, and no oftener, when what it heard of is gone from the mailbox before it was read", async () => {
  const mailbox = new Mailbox();
  const sent: number[] = [];
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead(), turns: new OutgoingTurns(runtime) },
    {
      ready: () =>
        sender.pump(({ version }) => {
          sent.push(version);
          return true;
        }),
      fail: (error) => {
        throw error;
      },
    },
  );
  // Committed while the first read was under way, and taken back (its resource was deleted) before the next one.
  mailbox.onRead = () => sender.reader.entry(entry(50));
  await start(sender, mailbox);
  mailbox.onRead = () => {};
  sender.pump(() => true);
  await turns(200);
  expect(mailbox.reads).toBe(2);
  sender.reader.entry(entry(51));
  expect(sent).toEqual([51]);
  expect(sender.reader.settledFloor).toBe(50);
});

it("misses nothing that is committed during a read that finds the end", async () => {
  const mailbox = new Mailbox();
  const sent: number[] = [];
  const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead(), turns: new OutgoingTurns(runtime) },
    { ready: pump, fail: () => {} },
  );
  let version = 0;
  mailbox.onRead = () => {
    if (version === 5) return;
    version += 1;
    const next = { ...entry(version), event: { ...entry(version).event, resourceid: `r${version}_u1` } };
    mailbox.pending.push(next);
    sender.reader.entry(next);
  };
  await start(sender, mailbox);
  pump();
  await turns(400);
  expect(sent).toEqual([1, 2, 3, 4]);
  sender.ack({ resourceid: "r1_u1", eventid: "1" });
  expect(sent).toEqual([1, 2, 3, 4, 5]);
  expect(sender.reader.settledFloor).toBe(1);
});

it("announces no floor above what is left on disk of a resource, however little of it is in memory", async () => {
  const mailbox = new Mailbox();
  for (let version = 1; version <= 300; version += 1) {
    const event = { ...command("a"), eventid: String(version) };
    mailbox.pending.push({ version, event, bytes: 1 });
  }
  const last = { ...command("b"), eventid: "301" };
  mailbox.pending.push({ version: 301, event: last, bytes: 1 });
  const sent: number[] = [];
  let now = 0;
  const late: Runtime = { ...runtime, clock: { now: () => now, wallTime: () => 0 } };
  const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
  const sender: Sender = new Sender(
    {
      runtime: late,
      window: 4,
      windowBytes: 1_000,
      readAhead: new ReadAhead(),
      turns: new OutgoingTurns(runtime),
    },
    { ready: pump, fail: () => {} },
  );
  await start(sender, mailbox);
  pump();
  await turns(20);
  expect(sent).toEqual([1]);
  // Its answer is late: what lies behind this resource is read.
  now = 10_000;
  pump();
  await turns(20);
  expect(sent).toEqual([1, 1, 301]);
  sender.ack({ resourceid: "b_u1", eventid: "301" });
  // Answered so fast that no read can follow.
  for (let version = 1; version <= 256; version += 1)
    sender.ack({ resourceid: "a_u1", eventid: String(version) });
  expect([sent.at(-1), sender.reader.settledFloor]).toEqual([256, 256]);
  for (let version = 257; version <= 300; version += 1) {
    await turns(20);
    expect(sender.reader.settledFloor).toBe(version - 1);
    sender.ack({ resourceid: "a_u1", eventid: String(version) });
  }
  expect(sender.reader.settledFloor).toBe(301);
  expect(sent.slice(3)).toEqual(Array.from({ length: 299 }, (_, index) => index + 2));
});

it.each([1, 5_000])("sends no state that %i newer ones supersede while it is read", async (newer) => {
  const mailbox = new Mailbox();
  mailbox.pending.push(entry(1));
  const sent: number[] = [];
  const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead(), turns: new OutgoingTurns(runtime) },
    {
      ready: pump,
      fail: (error) => {
        throw error;
      },
    },
  );
  // In a mailbox, too, the newest state takes the place of the one before it.
  const publish = (version: number): void => {
    mailbox.pending.splice(0, 1, entry(version));
    sender.reader.entry(entry(version));
  };
  mailbox.onRead = () => {
    for (let version = 2; version <= newer; version += 1) publish(version);
    mailbox.onRead = () => {};
  };
  // Not even between the end of the read and what follows from it.
  const ended = start(sender, mailbox);
  await turns(2);
  publish(newer + 1);
  await ended;
  pump();
  await turns(200);
  expect(sent).toEqual([newer + 1]);
});

it.each([
  [200, 0],
  [200, 1],
  [200, 2],
  [200, 3],
  [5_000, 0],
] as const)(
  "sends nothing of %i events that are purged %i turns after they were read",
  async (count, turn) => {
    const mailbox = new Mailbox();
    for (let version = 1; version <= count + 1; version += 1) {
      const event = { ...command(`r${version}`), eventid: String(version) };
      mailbox.pending.push({ version, event, bytes: 1 });
    }
    const sent: number[] = [];
    const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
    const sender: Sender = new Sender(
      {
        runtime,
        window: 4,
        windowBytes: 1_000,
        readAhead: new ReadAhead(),
        turns: new OutgoingTurns(runtime),
      },
      {
        ready: pump,
        fail: (error) => {
          throw error;
        },
      },
    );
    // They are off the disk by the time the holder hears of it, and what was read before has them all the same.
    const purge = (from: number, to: number): number => {
      const isMeant = ({ version }: MailboxEntry): boolean => version >= from && version <= to;
      const gone = mailbox.pending.filter(isMeant);
      mailbox.pending.splice(0, mailbox.pending.length, ...mailbox.pending.filter((each) => !isMeant(each)));
      return sender.reader.purged(
        gone.map(({ version, event: { resourceid } }) => ({ version, resourceid })),
      );
    };
    if (turn === 0) {
      mailbox.onRead = () => {
        mailbox.onRead = () => {};
        purge(1, count);
      };
      await start(sender, mailbox);
    } else {
      mailbox.first = mailbox.pending.slice(0, sender.reader.first().limit);
      sender.start(mailbox);
      void turns(turn - 1).then(() => purge(1, count));
    }
    await turns(turn);
    pump();
    await turns(200);
    expect(sent).toEqual([count + 1]);
    expect(sender.reader.settledFloor).toBe(count);
  },
);

interface Peer {
  readonly sender: Sender;
  readonly acked: Set<number>;
  readonly sent: number[];
  /** Lets the agent answer, and time pass in steps of 50 ms. */
  run(untilMs: number): Promise<void>;
}

/** 200 commands of `bytes` about resources of their own, and an agent that refuses those that `fails` names for now. */
async function agentThatRefuses(
  fails: (version: number) => boolean,
  { readAhead, windowBytes, bytes = 2_000 }: { readAhead: ReadAhead; windowBytes: number; bytes?: number },
): Promise<Peer> {
  const acked = new Set<number>();
  const sent: number[] = [];
  let now = 0;
  let answers: (() => void)[] = [];
  const pending = new Map<number, MailboxEntry>();
  for (let version = 1; version <= 200; version += 1) {
    const event = { ...command(`r${version}`), eventid: String(version) };
    pending.set(version, { version, event, bytes });
  }
  const lease: MailboxLease = Object.assign(new TestLease(), {
    read(after: number, limit: number, maxBytes = Number.POSITIVE_INFINITY) {
      const page: MailboxEntry[] = [];
      let size = 0;
      for (const each of pending.values()) {
        if (each.version <= after) continue;
        if (page.length >= limit || size >= maxBytes) break;
        page.push(each);
        size += each.bytes;
      }
      return Promise.resolve(page);
    },
    acknowledge(version: number) {
      pending.delete(version);
      acked.add(version);
    },
  });
  const pump = (): void =>
    sender.pump(({ version, event: { resourceid, eventid } }) => {
      sent.push(version);
      const refusal = { retryable: true, code: "handler_failed", message: "not now" } as const;
      answers.push(() =>
        fails(version)
          ? sender.nack({ type: "nack", resourceid, eventid, ...refusal })
          : sender.ack({ resourceid, eventid }),
      );
      return true;
    });
  const sender: Sender = new Sender(
    {
      runtime: { ...runtime, random: seededRandom(7), clock: { now: () => now, wallTime: () => now } },
      window: 256,
      windowBytes,
      readAhead,
      turns: new OutgoingTurns(runtime),
    },
    {
      ready: pump,
      fail: (error) => {
        throw error;
      },
    },
  );
  await start(sender, lease);
  pump();
  const run = async (untilMs: number): Promise<void> => {
    for (; now < untilMs; now += 50) {
      for (let round = 0; round < 40; round += 1) {
        for (const answer of answers.splice(0)) answer();
        await turns(4);
      }
      pump();
    }
  };
  return { sender, acked, sent, run };
}

function busyOthers(): ReadAhead {
  const readAhead = new ReadAhead();
  readAhead.changed(268_435_456);
  return readAhead;
}

it.each([
  ["a window of 32,768 bytes", { readAhead: new ReadAhead({ sessionBytes: 32_768 }), windowBytes: 32_768 }],
  ["a window of one byte", { readAhead: new ReadAhead({ sessionBytes: 1 }), windowBytes: 1 }],
  ["sessions that hold all that all may hold", { readAhead: busyOthers(), windowBytes: 8_388_608 }],
])("delivers everything else when one event fails, under %s", async (_, options) => {
  const { acked, run } = await agentThatRefuses((version) => version === 1, options);
  await run(2_000);
  expect(acked.size).toBe(199);
});

it("gets past more failing events than it may hold, and tries each of them again", async () => {
  const readAhead = busyOthers();
  const options = { readAhead, windowBytes: 8_388_608, bytes: 100_000 };
  let isMended = false;
  const { acked, run, sent, sender } = await agentThatRefuses(
    (version) => version <= 150 && !isMended,
    options,
  );
  let most = 0;
  for (let untilMs = 500; untilMs <= 20_000; untilMs += 500) {
    await run(untilMs);
    most = Math.max(most, readAhead.heldBytes - 268_435_456);
  }
  expect([...acked].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => 151 + n));
  expect(most).toBeLessThanOrEqual(300_000);
  // Also of those that are not in memory it is known what they wait for.
  const turns = Array.from({ length: 150 }, (_, n) => sender.reader.turnOf(`r${n + 1}_u1`));
  const refused = turns.filter((turn) => turn?.kind === "refused");
  expect(refused.length).toBeGreaterThan(100);
  for (const turn of refused)
    expect(turn).toMatchObject({ refused: { code: "handler_failed", message: "not now" } });
  expect(turns.every((turn) => turn !== undefined)).toBe(true);
  expect(sender.reader.settledFloor).toBe(0);
  const tries = sent.filter((version) => version === 1).length;
  // With backoff that goes on growing, however often it left memory in between.
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(12);
  isMended = true;
  await run(200_000);
  expect(acked.size).toBe(200);
  expect(sender.reader.settledFloor).toBe(200);
});
