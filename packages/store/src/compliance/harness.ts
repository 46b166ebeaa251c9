import { systemTimers, type Clock } from "@hawser/runtime";
import { EVENT_TYPES, type EventDraft, type HawserEvent } from "@hawser/protocol";
import { expect, onTestFinished } from "vitest";
import type { InboxState, Recorded } from "../contract/inbox.js";
import type { MailboxLimits } from "../contract/limits.js";
import type {
  Appended,
  Found,
  LeaseCallbacks,
  LeaseOptions,
  MailboxEntry,
  MailboxLease,
  PurgedEntry,
} from "../contract/mailbox.js";
import type { Store } from "../contract/store.js";
import type { Holder } from "../contract/views.js";

/** A started store and what can befall it. */
export interface StoreUnderTest {
  /** The current one: a new one after `restart` and `crash`. */
  readonly store: Store;
  /** Stops it and answers a new, started one over the same contents. */
  restart(): Promise<Store>;
  /** Ends it without a chance to write anything and answers a new, started one over what is left. */
  crash(): Promise<Store>;
  /** Releases everything. */
  dispose(): Promise<void>;
}

/** Makes the store under test, empty, with these limits, and with this clock where a test brings one. */
export type MakeStore = (limits?: Partial<MailboxLimits>, clock?: Clock) => Promise<StoreUnderTest>;

/** A store for the length of one test. */
export async function storeFor(
  make: MakeStore,
  limits?: Partial<MailboxLimits>,
  clock?: Clock,
): Promise<StoreUnderTest> {
  const underTest = await make(limits, clock);
  onTestFinished(() => underTest.dispose());
  return underTest;
}

let drafts = 0;

function draft(type: string, resource: string, about: Partial<EventDraft>): EventDraft {
  drafts++;
  return {
    specversion: "1.0",
    id: `event-${drafts}`,
    source: "/compliance",
    type,
    resourceid: resource,
    ...about,
  };
}

/** @param resource `<name>_<uid>`; the subject is made of the name */
function state(type: string, resource: string, about: Partial<EventDraft>): EventDraft {
  const subject = `Thing/${resource.slice(0, resource.indexOf("_"))}`;
  return draft(type, resource, { subject, data: { n: drafts }, ...about });
}

export const spec = (resource: string, about: Partial<EventDraft> = {}): EventDraft =>
  state(EVENT_TYPES.spec, resource, about);
export const status = (resource: string, about: Partial<EventDraft> = {}): EventDraft =>
  state(EVENT_TYPES.status, resource, about);
export const deletion = (resource: string, about: Partial<EventDraft> = {}): EventDraft =>
  state(EVENT_TYPES.delete, resource, about);
export const command = (resource: string, about: Partial<EventDraft> = {}): EventDraft =>
  draft("example.command", resource, { data: { n: drafts }, ...about });

/** What the peer sent: a draft with its version. */
export function received(event: EventDraft, version: number): HawserEvent {
  return { ...event, eventid: String(version) };
}

/** Appends one event and expects it to be accepted. */
export async function accept(store: Store, peer: string, event: EventDraft): Promise<number> {
  const [appended] = await store.append([{ peer, event }]);
  return versionOf(appended);
}

export function versionOf(appended: Appended | undefined): number {
  if (appended?.ok !== true) throw new Error(`not accepted: ${JSON.stringify(appended)}`);
  return appended.version;
}

/** Why it was refused; fails when it was not. */
export function refusal(appended: Appended | undefined): { readonly reason: string; readonly code: string } {
  if (appended === undefined || appended.ok) throw new Error(`not refused: ${JSON.stringify(appended)}`);
  return { reason: appended.reason, code: appended.error.code };
}

export const HOLDER: Holder = {
  session: "session-1",
  transport: "test",
  address: "here",
  internal: false,
  software: "compliance",
};

/** For those who do not listen. */
export const DEAF: LeaseCallbacks = { event() {}, more() {}, purged: () => 0, lost() {} };

/** A lease that remembers what it was told. */
export interface Held extends LeaseCallbacks {
  readonly lease: MailboxLease;
  /** What the claim was told. */
  readonly found: Found;
  readonly events: MailboxEntry[];
  /** Positions that it was told to read up to. */
  readonly mores: number[];
  /** Entries it was told are gone; it says that those in `sent` were sent. */
  readonly gone: PurgedEntry[];
  readonly sent: Set<number>;
  readonly losses: string[];
}

/** Claims a mailbox. What is committed from here on comes as `event`. */
export async function hold(
  store: Store,
  peer: string,
  peerStore?: string,
  options?: Omit<LeaseOptions, "peerStore">,
): Promise<Held> {
  const held = await claim(store, peer, peerStore, options);
  await turn();
  return held;
}

/** As `hold`, without a moment of real time. */
export async function claim(
  store: Store,
  peer: string,
  peerStore = "peer-store-1",
  options: Omit<LeaseOptions, "peerStore"> = {},
): Promise<Held> {
  const events: MailboxEntry[] = [];
  const mores: number[] = [];
  const founds: Found[] = [];
  const gone: PurgedEntry[] = [];
  const sent = new Set<number>();
  const losses: string[] = [];
  const on: LeaseCallbacks = {
    event: (entry) => void events.push(entry),
    more: (position) => void mores.push(position),
    purged: (entries) => {
      gone.push(...entries);
      return entries.filter(({ version }) => sent.has(version)).length;
    },
    lost: (why) => void losses.push(why),
  };
  const decide = (asked: Found): LeaseOptions => {
    founds.push(asked);
    return { ...options, peerStore };
  };
  const lease = await store.open(peer, HOLDER, decide, on);
  const found = founds.at(-1) ?? expect.fail("the claim was not asked");
  return { lease, found, events, mores, gone, sent, losses, ...on };
}

/** Whatever was to come one turn later has come. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void systemTimers.soon(resolve));
}

/** What a new holder is told of the peer's events. */
export async function inboxOf(store: Store, peer: string, peerStore?: string): Promise<InboxState> {
  const { lease } = await hold(store, peer, peerStore);
  await lease.close();
  return lease.inbox;
}

/** Records what the peer sent, as a holder that comes and goes. */
export async function record(
  store: Store,
  peer: string,
  batch: readonly Recorded[],
  peerStore?: string,
): Promise<void> {
  const { lease } = await hold(store, peer, peerStore);
  await lease.record(batch);
  await lease.close();
}

/** The versions pending in a mailbox, as a new holder sees them. */
export async function pendingVersions(
  store: Store,
  peer: string,
  peerStore?: string,
): Promise<readonly number[]> {
  const { lease } = await hold(store, peer, peerStore);
  const entries = await lease.read(0, 10_000);
  await lease.close();
  return entries.map((entry) => entry.version);
}

/** The peer acknowledges everything that is pending. */
export async function acknowledgeAll(store: Store, peer: string): Promise<void> {
  const { lease } = await hold(store, peer);
  for (const { version } of await lease.read(0, 10_000)) lease.acknowledge(version);
  await lease.close();
}

/** A clock that goes when the test says so. */
export class HandClock implements Clock {
  wallMs = 1_700_000_000_000;

  now(): number {
    return this.wallMs;
  }

  wallTime(): number {
    return this.wallMs;
  }
}

/** Checks an entry against what was appended. */
export function expectEntry(entry: MailboxEntry | undefined, version: number, event: EventDraft): void {
  expect(entry?.version).toBe(version);
  expect(entry?.event).toEqual({ ...event, eventid: String(version) });
  expect(entry?.bytes).toBeGreaterThan(0);
}
