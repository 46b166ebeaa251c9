import type { EventDraft } from "@hawser/protocol";
import type { Random } from "@hawser/runtime";
import { expect } from "vitest";
import type { InboxState } from "../contract/inbox.js";
import type { Append, MailboxLease } from "../contract/mailbox.js";
import {
  command,
  deletion,
  type HandClock,
  hold,
  received,
  spec,
  status,
  versionOf,
  type StoreUnderTest,
} from "./harness.js";
import { ModelPeer } from "./model.js";

const PEERS = ["a", "b"] as const;
const RESOURCES = ["x_1", "x_2", "y_1"] as const;

/** Does random things to a store and to its model, and compares what both say. */
export class ModelRun {
  readonly #underTest: StoreUnderTest;
  readonly #random: Random;
  readonly #clock: HandClock;
  readonly #peers = new Map<string, ModelPeer>();
  readonly #leases = new Map<string, MailboxLease>();
  /** Versions of the peers' own events. */
  #receivedVersion = 0;
  #step = "start";

  constructor(underTest: StoreUnderTest, limits: ModelPeer["limits"], clock: HandClock, random: Random) {
    this.#underTest = underTest;
    this.#random = random;
    this.#clock = clock;
    for (const peer of PEERS) this.#peers.set(peer, new ModelPeer(limits, clock));
  }

  async run(steps: number): Promise<void> {
    for (const peer of PEERS) await this.#open(peer, "store-0");
    for (let step = 0; step < steps; step++) {
      await this.#next();
      for (const peer of PEERS) await this.#compare(peer, `step ${step} (${this.#step})`);
    }
  }

  async #next(): Promise<void> {
    const peer = this.#pick(PEERS);
    this.#clock.wallMs += this.#below(40);
    const roll = this.#random.next();
    if (roll < 0.4) return this.#append();
    if (roll < 0.62) return this.#acknowledge(peer);
    if (roll < 0.68) return this.#deadLetter(peer);
    if (roll < 0.72) return this.#requeue(peer);
    if (roll < 0.75) return this.#discard(peer);
    if (roll < 0.78) return this.#purge(peer);
    if (roll < 0.88) return this.#receive(peer);
    if (roll < 0.93)
      return this.#open(peer, this.#random.next() < 0.5 ? this.#peerStore(peer) : `store-${this.#below(3)}`);
    return this.#restart(roll < 0.965);
  }

  async #append(): Promise<void> {
    const batch = Array.from({ length: 1 + this.#below(5) }, () => this.#randomAppend());
    this.#step = `append ${batch.map(({ peer, event }) => `${peer}:${event.type}:${event.resourceid}`).join(" ")}`;
    const expected = batch.map((append) => this.#model(append.peer).append(append));
    const answers = await this.#underTest.store.append(batch);
    const actual = answers.map((answer) => {
      if (!answer.ok) return answer.reason;
      return answer.duplicate ? `duplicate of ${answer.version}` : answer.version;
    });
    expect(actual, this.#step).toEqual(expected);
  }

  #randomAppend(): Append {
    const peer = this.#pick(PEERS);
    const event = this.#randomEvent();
    const extra: { idempotencyKey?: string; expectedVersion?: number } = {};
    if (this.#random.next() < 0.3) extra.idempotencyKey = `key-${this.#below(8)}`;
    if (this.#random.next() < 0.2) {
      const sent = this.#model(peer).sent.get(event.subject ?? "");
      extra.expectedVersion = this.#random.next() < 0.6 ? (sent?.version ?? 0) : this.#below(4);
    }
    return { peer, event, ...extra };
  }

  #randomEvent(): EventDraft {
    return this.#pick([spec, status, deletion, command])(this.#pick(RESOURCES));
  }

  async #acknowledge(peer: string): Promise<void> {
    const versions = this.#model(peer)
      .pending.map((entry) => entry.version)
      .filter(() => this.#random.next() < 0.5);
    this.#step = `acknowledge ${peer} ${versions.join(" ")}`;
    if (this.#random.next() < 0.5) await this.#lease(peer).read(0, 1_000);
    for (const version of versions) {
      this.#lease(peer).acknowledge(version);
      this.#model(peer).acknowledge(version);
    }
  }

  async #deadLetter(peer: string): Promise<void> {
    const version = 1 + this.#below(this.#model(peer).position + 1);
    this.#step = `dead letter ${peer} ${version}`;
    await this.#lease(peer).deadLetter(version, { code: "expired", message: "", at: 1 });
    this.#model(peer).deadLetter(version);
  }

  async #requeue(peer: string): Promise<void> {
    const letters = this.#model(peer).deadLetters;
    const version = letters.length === 0 ? 1 : this.#pick(letters).version;
    this.#step = `requeue ${peer} ${version}`;
    const expected = this.#model(peer).requeue(version);
    const answer = await this.#underTest.store.requeue(peer, version);
    if (typeof expected === "number") expect(versionOf(answer), this.#step).toBe(expected);
    else expect(answer.ok ? "accepted" : answer.error.code, this.#step).toBe(expected);
  }

  async #discard(peer: string): Promise<void> {
    const letters = this.#model(peer).deadLetters;
    const version = letters.length === 0 ? 1 : this.#pick(letters).version;
    this.#step = `discard ${peer} ${version}`;
    const expected = this.#model(peer).discard(version);
    expect(await this.#underTest.store.discard(peer, version), this.#step).toBe(expected);
  }

  async #purge(peer: string): Promise<void> {
    const picked = this.#pick(["all", "Thing/x", "Thing/y"]);
    const subject = picked === "all" ? undefined : picked;
    this.#step = `purge ${peer} ${picked}`;
    const purged = this.#model(peer).purge(subject).length;
    const left = this.#model(peer).pending.length;
    const answer = await this.#underTest.store.purge(peer, subject === undefined ? {} : { subject });
    expect(answer, this.#step).toEqual({ purged, inFlight: 0, left });
  }

  async #receive(peer: string): Promise<void> {
    const lease = this.#lease(peer);
    const model = this.#model(peer);
    const resourceid = this.#pick(RESOURCES);
    const version = ++this.#receivedVersion;
    this.#step = `receive ${peer} ${resourceid} ${version}`;
    await lease.begin([{ resourceid, version, attempt: 1 }]);
    model.begun.set(resourceid, { version, attempts: 1 });
    const roll = this.#random.next();
    if (roll < 0.2) return;
    const keep = received(status(resourceid), version);
    const subject = keep.subject ?? "";
    if (roll < 0.4) {
      await lease.record([{ resourceid, version }]);
    } else if (roll < 0.85) {
      await lease.record([{ resourceid, version, retain: { keep } }]);
      model.keep(keep, version);
    } else {
      await lease.record([{ resourceid, version, retain: { forget: subject } }]);
      model.forgetSubject(resourceid, subject);
    }
    model.recorded(resourceid, version);
    if (this.#random.next() < 0.3) {
      const floor = this.#below(version + 1);
      lease.settle(floor);
      model.settled = Math.max(model.settled, floor);
    }
  }

  async #open(peer: string, peerStore: string): Promise<void> {
    this.#step = `open ${peer} ${peerStore}`;
    const { lease } = await hold(this.#underTest.store, peer, peerStore);
    this.#leases.set(peer, lease);
    this.#model(peer).open(peerStore);
    expect(lease.inbox, this.#step).toEqual(this.#expectedInbox(peer));
  }

  async #restart(gently: boolean): Promise<void> {
    this.#step = gently ? "restart" : "crash";
    for (const peer of PEERS) {
      await this.#flush(peer);
      await this.#lease(peer).close();
    }
    await (gently ? this.#underTest.restart() : this.#underTest.crash());
    for (const peer of PEERS) await this.#open(peer, this.#peerStore(peer));
  }

  /** Durable, and with it everything lazy before it; and the mailbox counts as used, and stays. */
  async #flush(peer: string): Promise<void> {
    await this.#lease(peer).flush();
    await this.#lease(peer).record([{ resourceid: "flush_1", version: 1 }]);
    this.#model(peer).recorded("flush_1", 1);
  }

  async #compare(peer: string, when: string): Promise<void> {
    const { store } = this.#underTest;
    const model = this.#model(peer);
    // First, because it writes what was gathered: everything after it is exact.
    await this.#lease(peer).flush();
    // What the inbox holds a new lease tells.
    if (this.#random.next() < 0.3) await this.#open(peer, this.#peerStore(peer));
    expect(await this.#lease(peer).read(0, 1_000), when).toMatchObject(model.pending);
    expect(await store.deadLetters(peer, { limit: 1_000 }), when).toMatchObject(model.deadLetters);
    for (const direction of ["sent", "received"] as const) {
      const states = await store.retained.list(peer, direction, { limit: 1_000 });
      const expected = [...model[direction]]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([subject, kept]) => ({ subject, kept, event: kept.event }))
        .map(({ subject, kept, event }) => ({
          subject,
          event,
          version: Number(event.eventid),
          refusal: direction === "sent" ? model.refusal(kept) : undefined,
          pending:
            direction === "sent" && model.pending.some(({ event: other }) => other.eventid === event.eventid),
        }));
      expect(states, `${direction}, ${when}`).toEqual(expected);
    }
    expect(await store.stats(peer), when).toMatchObject({
      pending: model.pending.length,
      deadLetters: model.deadLetters.length,
      lastVersion: model.position,
    });
  }

  #expectedInbox(peer: string): InboxState {
    const { settled, applied, begun } = this.#model(peer);
    return {
      settled,
      applied: new Map([...applied].filter(([, version]) => version > settled)),
      begun: new Map(
        [...begun].filter(([id, { version }]) => version > Math.max(settled, applied.get(id) ?? 0)),
      ),
    };
  }

  #model(peer: string): ModelPeer {
    return this.#peers.get(peer) ?? expect.fail(`no model of ${peer}`);
  }

  #peerStore(peer: string): string {
    return this.#model(peer).peerStore ?? "";
  }

  #lease(peer: string): MailboxLease {
    return this.#leases.get(peer) ?? expect.fail(`no lease of ${peer}`);
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] ?? expect.fail("picked from nothing");
  }
}
