import type { HawserEvent } from "@hawser/protocol";
import type { Findings } from "../findings.js";
import { identityOf } from "../identity.js";
import type { Direction, Fact, Ledger, Mailbox } from "../ledger.js";

/** What a handler was given. */
export interface Run {
  readonly direction: Direction;
  readonly agent: string;
  readonly resourceid: string;
  readonly version: number;
  readonly attempt: number;
  /** Undefined where the handler is not told (a delete). */
  readonly content: string | undefined;
}

/** A handler run the checker follows. */
export interface Running {
  /** The handler changes the world now. */
  effect(): void;
  /** The handler returns or throws now. */
  ended(): void;
  /** Whether the receiver has written down since that it was applied. */
  isRecorded(): boolean;
}

/**
 * What handlers see: only accepted events, nothing again after its record, a higher attempt for every repeat, one handler per resource at a time, no way back to
 * an older version, commands in order.
 */
export class ApplyChecker {
  readonly #ledger: Ledger;
  readonly #findings: Findings;
  readonly #busy = new Map<string, Map<string, Fact>>();
  readonly #lastEffect = new Map<Mailbox, Map<string, number>>();

  constructor(ledger: Ledger, findings: Findings) {
    this.#ledger = ledger;
    this.#findings = findings;
  }

  began(run: Run): Running {
    const { direction, agent, resourceid, version, attempt } = run;
    const name = `${direction} ${agent} ${resourceid}@${version}`;
    const found = this.#find(run);
    this.#findings.trace(agent, `handler ${direction} ${resourceid}@${version} attempt ${attempt}`);
    if (found === undefined) {
      this.#findings.violation("only accepted events are applied", `${name} was never accepted`);
      return { effect: () => {}, ended: () => {}, isRecorded: () => false };
    }
    const [mailbox, fact] = found;
    const isReplacement = fact.eventClass === "spec" && run.content === undefined;
    if (!isReplacement) this.#checkBegin(name, mailbox, fact, attempt);
    const slot = fact.eventClass === "command" ? resourceid : (fact.subject ?? resourceid);
    const key = `${direction} ${agent}`;
    const busy = this.#busy.get(key) ?? new Map<string, Fact>();
    this.#busy.set(key, busy);
    const running = busy.get(slot);
    // What was purged while it was applied is not waited for, so that the next uid of its name may come.
    const gaveWay =
      running?.resourceid !== resourceid && running !== undefined && mailbox.purges.mayHold(running);
    if (running !== undefined && !gaveWay)
      this.#findings.violation("one handler per resource", `${name} began while another runs`);
    busy.set(slot, fact);
    return {
      effect: () => (isReplacement ? undefined : this.#effect(name, mailbox, fact)),
      ended: () => {
        if (busy.get(slot) === fact) busy.delete(slot);
      },
      isRecorded: () => fact.recorded,
    };
  }

  /** The receiver says that it has recorded this event. */
  recorded(direction: Direction, agent: string, event: HawserEvent): void {
    const { version, resourceid, content } = identityOf(event);
    const found = this.#find({ direction, agent, resourceid, version, attempt: 0, content });
    if (found === undefined) {
      this.#findings.violation("only accepted events are recorded", `${agent} ${resourceid}@${version}`);
      return;
    }
    const [mailbox, fact] = found;
    if (fact.effects === 0 && !mailbox.mayBeIdle(fact))
      this.#findings.violation("recorded means applied", `${mailbox.name} ${resourceid}@${version}`);
    fact.recorded = true;
    raise(mailbox.recordedUpTo, resourceid, version);
  }

  /** The receiver says that it acknowledges this event and keeps nothing of it. */
  discarded(direction: Direction, agent: string, event: HawserEvent, knowsResource: boolean): void {
    const { version, resourceid, content } = identityOf(event);
    const found = this.#find({ direction, agent, resourceid, version, attempt: 0, content });
    const name = `${agent} ${resourceid}@${version}`;
    if (found === undefined) return this.#findings.violation("only accepted events are discarded", name);
    const [, fact] = found;
    if (fact.eventClass !== "status" || knowsResource)
      this.#findings.violation("only statuses of unknown resources are discarded", name);
    fact.discarded = true;
  }

  /** The receiver's process is gone, and with it every handler. `keptAttempts`: what it wrote without sync is still there. */
  receiverDied(direction: Direction, agent: string, keptAttempts: boolean): void {
    this.#busy.delete(`${direction} ${agent}`);
    for (const mailbox of this.#ledger.lives(direction, agent))
      for (const fact of mailbox.facts.values()) {
        if (!fact.recorded) fact.wasForgotten = true;
        if (!keptAttempts) fact.attempt = 0;
      }
  }

  /** The receiver's store is gone: it may be told everything again. */
  receiverForgot(direction: Direction, agent: string): void {
    for (const mailbox of this.#ledger.lives(direction, agent)) {
      mailbox.receiverFloor = 0;
      mailbox.recordedUpTo.clear();
      mailbox.purges.undo();
      this.#lastEffect.delete(mailbox);
      for (const fact of mailbox.facts.values()) {
        fact.recorded = false;
        fact.discarded = false;
        fact.attempt = 0;
      }
    }
  }

  #find({ direction, agent, resourceid, version, content }: Run): [Mailbox, Fact] | undefined {
    for (const mailbox of this.#ledger.lives(direction, agent).toReversed()) {
      const fact = mailbox.facts.get(version);
      if (fact?.resourceid !== resourceid) continue;
      const isIt = content === undefined ? fact.eventClass !== "command" : fact.content === content;
      if (isIt) return [mailbox, fact];
    }
    return undefined;
  }

  #checkBegin(name: string, mailbox: Mailbox, fact: Fact, attempt: number): void {
    const recorded = mailbox.recordedUpTo.get(fact.resourceid) ?? 0;
    if (fact.version <= Math.max(recorded, mailbox.receiverFloor))
      this.#findings.violation("nothing is applied after its record", `${name}; recorded up to ${recorded}`);
    if (attempt <= fact.attempt)
      this.#findings.violation("repeats are counted", `${name} began as ${attempt} after ${fact.attempt}`);
    fact.attempt = attempt;
    const owed = mailbox
      .siblings(fact.resourceid)
      .find(
        (earlier) =>
          earlier.eventClass === "command" &&
          earlier.version < fact.version &&
          earlier.effects === 0 &&
          !earlier.acknowledged &&
          earlier.deadLetter === undefined &&
          !mailbox.purges.mayHold(earlier),
      );
    if (owed !== undefined)
      this.#findings.violation("commands in order", `${name} began before command ${owed.version}`);
  }

  #effect(name: string, mailbox: Mailbox, fact: Fact): void {
    const last = this.#lastEffect.get(mailbox) ?? new Map<string, number>();
    this.#lastEffect.set(mailbox, last);
    const keys = [`resource ${fact.resourceid}`];
    if (fact.eventClass !== "command" && fact.subject !== undefined) keys.push(`subject ${fact.subject}`);
    for (const key of keys) {
      const before = last.get(key) ?? 0;
      // That an old life of a name is over may be heard late: its delete is by uid and touches nothing else.
      const isOldDelete = fact.eventClass === "delete" && key.startsWith("subject");
      if (before > fact.version && !isOldDelete)
        this.#findings.violation("no way back", `${name} after ${before} of ${key}`);
      last.set(key, Math.max(before, fact.version));
    }
    // A record that failed may have reached the disk; repeating the effect then needs no other one.
    if (fact.effects === 0) fact.effectAt = this.#ledger.tick();
    fact.effects += 1;
    this.#findings.trace(mailbox.agent, `effect ${name}`);
  }
}

function raise(map: Map<string, number>, key: string, value: number): void {
  if ((map.get(key) ?? 0) < value) map.set(key, value);
}
