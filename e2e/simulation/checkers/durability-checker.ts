import type { Store } from "@hawser/store";
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

  /** `sender`: name of the store whose versions the receiver counts by. */
  async receiver(
    store: Store,
    peer: string,
    direction: Direction,
    agent: string,
    sender: string | undefined,
  ) {
    const { settled, applied } = await store.inbox.load(peer);
    if (sender === undefined) return;
    const mailbox = this.#ledger.life(direction, agent, sender);
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
  }

  /** Dead letters whose news was lost with a process or a session. */
  async sender(store: Store, peer: string, mailbox: Mailbox): Promise<void> {
    for (const { version, reason } of await store.deadLetters(peer, { limit: 1_000 })) {
      const fact = mailbox.facts.get(version);
      if (fact !== undefined) fact.deadLetter ??= reason.code;
    }
  }
}
