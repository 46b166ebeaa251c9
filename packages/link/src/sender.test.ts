import { HawserError } from "@hawser/protocol";
import { seededRandom, silentLogger, type Runtime } from "@hawser/runtime";
import type { MailboxEntry, MailboxLease } from "@hawser/store";
import { expect, it } from "vitest";
import { ReadAhead } from "./read-ahead.js";
import { Sender } from "./sender.js";
import { command, status } from "./two-sides.test-support.js";

const runtime: Runtime = {
  clock: { now: () => 0, wallTime: () => 0 },
  timers: { after: () => ({ cancel: () => {} }), soon: () => ({ cancel: () => {} }) },
  random: seededRandom(1),
  logger: silentLogger,
};

function entry(version: number): MailboxEntry {
  const event = { ...status("a", version), eventid: String(version) };
  return { version, event, bytes: 1 };
}

/** A mailbox whose reads the test can look at. */
class Mailbox implements MailboxLease {
  readonly epoch = 1;
  readonly toldBefore = 0;
  readonly pending: MailboxEntry[] = [];
  reads = 0;
  onRead = (): void => {};

  async read(after: number, limit: number): Promise<readonly MailboxEntry[]> {
    this.reads += 1;
    if (this.reads > 20) throw new HawserError("internal", "read over and over");
    const found = this.pending.filter(({ version }) => version > after).slice(0, limit);
    await Promise.resolve();
    this.onRead();
    return found;
  }

  acknowledge(): void {}
  peerRecorded(): void {}
  async deadLetter(): Promise<void> {}
  async close(): Promise<void> {}
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

it("reads once more, and no oftener, when what it heard of is gone from the mailbox before it was read", async () => {
  const mailbox = new Mailbox();
  const sent: number[] = [];
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead() },
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
  mailbox.onRead = () => sender.entry(entry(50));
  await sender.start(mailbox);
  mailbox.onRead = () => {};
  sender.pump(() => true);
  await turns(200);
  expect(mailbox.reads).toBe(2);
  sender.entry(entry(51));
  expect(sent).toEqual([51]);
  expect(sender.settledFloor).toBe(50);
});

it("misses nothing that is committed during a read that finds the end", async () => {
  const mailbox = new Mailbox();
  const sent: number[] = [];
  const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead() },
    { ready: pump, fail: () => {} },
  );
  let version = 0;
  mailbox.onRead = () => {
    if (version === 5) return;
    version += 1;
    const next = { ...entry(version), event: { ...entry(version).event, resourceid: `r${version}_u1` } };
    mailbox.pending.push(next);
    sender.entry(next);
  };
  await sender.start(mailbox);
  pump();
  await turns(400);
  expect(sent).toEqual([1, 2, 3, 4]);
  sender.ack({ resourceid: "r1_u1", eventid: "1" });
  expect(sent).toEqual([1, 2, 3, 4, 5]);
  expect(sender.settledFloor).toBe(1);
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
    { runtime: late, window: 4, windowBytes: 1_000, readAhead: new ReadAhead() },
    { ready: pump, fail: () => {} },
  );
  await sender.start(mailbox);
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
  expect([sent.at(-1), sender.settledFloor]).toEqual([256, 256]);
  for (let version = 257; version <= 300; version += 1) {
    await turns(20);
    expect(sender.settledFloor).toBe(version - 1);
    sender.ack({ resourceid: "a_u1", eventid: String(version) });
  }
  expect(sender.settledFloor).toBe(301);
  expect(sent.slice(3)).toEqual(Array.from({ length: 299 }, (_, index) => index + 2));
});

it.each([1, 5_000])("sends no state that %i newer ones supersede while it is read", async (newer) => {
  const mailbox = new Mailbox();
  mailbox.pending.push(entry(1));
  const sent: number[] = [];
  const pump = (): void => sender.pump(({ version }) => sent.push(version) > 0);
  const sender: Sender = new Sender(
    { runtime, window: 4, windowBytes: 1_000, readAhead: new ReadAhead() },
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
    sender.entry(entry(version));
  };
  mailbox.onRead = () => {
    for (let version = 2; version <= newer; version += 1) publish(version);
    mailbox.onRead = () => {};
  };
  // Not even between the end of the read and what follows from it.
  const ended = sender.start(mailbox);
  await turns(2);
  publish(newer + 1);
  await ended;
  pump();
  await turns(200);
  expect(sent).toEqual([newer + 1]);
});
