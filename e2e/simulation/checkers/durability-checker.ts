import { createMemoryStore, type InboxState, type MemoryDisk, type Store } from "@hawser/store";
import type { Findings } from "../findings.js";
import type { Direction, Ledger, Mailbox } from "../ledger.js";

/** What a store says after a restart, held against what was said before it: a record that was made is there, and so is what makes a dead letter. */
export class DurabilityChecker {
  readonly #ledger: Ledger;
  readonly #findings: Findings;

  constructor(ledger: Ledger, findings: Findings) {
    this.#ledger = ledger;
    this.#findings = findings;
  }

  /**
   * @param disk what is durable of the receiver, on a disk of its own: only a holder is told of an inbox, and to become one leaves a trace
   * @param sender name of the store whose versions the receiver counts by; undefined for the one that its disk names
   * @returns false where the disk knows another one, so that nothing was learned
   */
  async receiver(
    disk: MemoryDisk,
    peer: string,
    direction: Direction,
    agent: string,
    sender: string | undefined,
  ): Promise<boolean> {
    const read = await readInbox(disk, peer);
    if (read === undefined || (sender ?? read.peerStore) !== read.peerStore) return false;
    const { settled, applied } = read.inbox;
    const mailbox = this.#ledger.life(direction, agent, read.peerStore);
    for (const fact of mailbox.facts.values()) {
      if (!fact.recorded || fact.version <= settled) continue;
      if ((applied.get(fact.resourceid) ?? 0) >= fact.version) continue;
      this.#findings.violation(
        "a record outlives its process",
        `${mailbox.name} ${fact.resourceid}@${fact.version}`,
      );
    }
    mailbox.receiverFloor = Math.max(mailbox.receiverFloor, settled);
    for (const [resourceid, version] of applied) {
      const known = mailbox.recordedUpTo.get(resourceid) ?? 0;
      if (version > known) mailbox.recordedUpTo.set(resourceid, version);
      const fact = mailbox.facts.get(version);
      if (fact?.resourceid === resourceid) fact.recorded = true;
    }
    return true;
  }

  /** The dead letters of an agent in what is durable of a store that principals share. */
  async durableSender(disk: MemoryDisk, mailbox: Mailbox): Promise<void> {
    const store = createMemoryStore({ disk });
    await store.start();
    try {
      await this.sender(store, mailbox.agent, mailbox);
    } finally {
      await store.stop();
    }
  }

  /** Dead letters whose news was lost with a process or a session. */
  async sender(store: Store, peer: string, mailbox: Mailbox): Promise<void> {
    for (const { version, reason } of await store.deadLetters(peer, { limit: 1_000 })) {
      const fact = mailbox.facts.get(version);
      if (fact !== undefined) fact.deadLetter ??= reason.code;
    }
  }
}

const HOLDER = { session: "checker", transport: "", address: "", internal: true, software: "" };
const DEAF = { event() {}, more() {}, purged: () => 0, lost() {} };

/** Undefined where the two have not met. */
async function readInbox(
  disk: MemoryDisk,
  peer: string,
): Promise<{ readonly inbox: InboxState; readonly peerStore: string } | undefined> {
  const store = createMemoryStore({ disk });
  await store.start();
  try {
    const standing = await store.standing(peer);
    if (standing === undefined) return undefined;
    const { store: peerStore } = standing.peer;
    const lease = await store.open(peer, HOLDER, () => ({ peerStore }), DEAF);
    return { inbox: lease.inbox, peerStore };
  } finally {
    await store.stop();
  }
}
