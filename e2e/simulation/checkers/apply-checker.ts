import type { HawserEvent } from "@hawser/protocol";
import type { Findings } from "../findings.js";
import { identityOf } from "../identity.js";
import type { Direction, Fact, Ledger, Mailbox } from "../ledger.js";
import type { Term, TermChecker } from "./term-checker.js";

/** What a handler was given. */
export interface Run {
  readonly direction: Direction;
  readonly agent: string;
  readonly resourceid: string;
  readonly version: number;
  readonly attempt: number;
  /** Undefined where the handler is not told (a delete). */
  readonly content: string | undefined;
  /** Where several processes may have the inbox, one after the other. */
  readonly term?: Term;
}

interface Begun {
  readonly fact: Fact;
  readonly term: Term | undefined;
}

/** A handler run the checker follows. */
export interface Running {
  /** The handler changes the world now. What it does for a principal that was taken over is kept out of it, by the epoch. */
  effect(): void;
  /** The handler returns or throws now. */
  ended(): void;
  /** Whether the receiver has written down since that it was applied. */
  isRecorded(): boolean;
}

/**
 * What handlers see: only accepted events, nothing again after its record, a higher attempt for every repeat, one handler per resource at a time, no way back to
 * an older version, commands in order. A principal that was taken over may not know it yet: what its handlers do is held against the rules of `TermChecker` instead.
 */
export class ApplyChecker {
  readonly #ledger: Ledger;
  readonly #findings: Findings;
  readonly #terms: TermChecker;
  /** By receiver and agent, then by what is changed. Of several, only one belongs to a principal that was not taken over. */
  readonly #busy = new Map<string, Map<string, readonly Begun[]>>();
  readonly #lastEffect = new Map<Mailbox, Map<string, number>>();

  constructor(ledger: Ledger, findings: Findings, terms: TermChecker) {
    this.#ledger = ledger;
    this.#findings = findings;
    this.#terms = terms;
  }

  began(run: Run): Running {
    const { direction, agent, resourceid, version, attempt } = run;
    const name = `${direction} ${agent} ${resourceid}@${version}`;
    const found = this.#find(run);
    const at = run.term === undefined ? "" : ` at ${run.term.principal} in epoch ${run.term.epoch}`;
    this.#findings.trace(agent, `handler ${direction} ${resourceid}@${version} attempt ${attempt}${at}`);
    if (found === undefined) {
      this.#findings.violation("only accepted events are applied", `${name} was never accepted`);
      return { effect: () => {}, ended: () => {}, isRecorded: () => false };
    }
    const [mailbox, fact] = found;
    const isReplacement = fact.eventClass === "spec" && run.content === undefined;
    const isTakenOver = this.#terms.isTakenOver(name, run.term);
    if (!isReplacement && !isTakenOver) this.#checkBegin(name, mailbox, fact, run);
    const leave = this.#occupy(name, mailbox, fact, run);
    return {
      effect: () => {
        if (!isReplacement && !this.#terms.isTakenOver(name, run.term))
          this.#effect(name, mailbox, fact, run.term);
      },
      ended: () => {
        leave();
        this.#terms.ended(fact, run.term);
      },
      isRecorded: () => fact.recorded,
    };
  }

  /** A handler begins to change a resource. Call what this answers when it ends. */
  #occupy(name: string, mailbox: Mailbox, fact: Fact, { direction, agent, term }: Run): () => void {
    const { resourceid } = fact;
    const slot = fact.eventClass === "command" ? resourceid : (fact.subject ?? resourceid);
    const key = `${direction} ${agent}`;
    const busy = this.#busy.get(key) ?? new Map<string, readonly Begun[]>();
    this.#busy.set(key, busy);
    const running = busy.get(slot) ?? [];
    for (const other of running) {
      // What was purged while it was applied is not waited for, so that the next uid of its name may come.
      const gaveWay = other.fact.resourceid !== resourceid && mailbox.purges.mayHold(other.fact);
      if (!gaveWay && !this.#terms.mayOverlap(name, other.term, term))
        this.#findings.violation("one handler per resource", `${name} began while another runs`);
    }
    const begun = { fact, term };
    // In one process nothing remains of a handler that gave way.
    busy.set(slot, [...running.filter((other) => other.term !== undefined), begun]);
    return () => {
      const left = (busy.get(slot) ?? []).filter((other) => other !== begun);
      if (left.length === 0) busy.delete(slot);
      else busy.set(slot, left);
    };
  }

  /** The receiver says that it has recorded this event. */
  recorded(direction: Direction, agent: string, event: HawserEvent, principal?: string): void {
    const { version, resourceid, content } = identityOf(event);
    const found = this.#find({ direction, agent, resourceid, version, attempt: 0, content });
    if (found === undefined) {
      this.#findings.violation("only accepted events are recorded", `${agent} ${resourceid}@${version}`);
      return;
    }
    const [mailbox, fact] = found;
    if (fact.effects === 0 && !mailbox.mayBeIdle(fact))
      this.#findings.violation("recorded means applied", `${mailbox.name} ${resourceid}@${version}`);
    if (principal !== undefined)
      this.#terms.recorded(`${mailbox.name} ${resourceid}@${version}`, fact, principal);
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
  receiverDied(direction: Direction, agent: string, keptAttempts: boolean, principal?: string): void {
    const busy = this.#busy.get(`${direction} ${agent}`) ?? new Map<string, readonly Begun[]>();
    for (const [slot, running] of busy)
      busy.set(
        slot,
        running.filter(({ term }) => principal !== undefined && term?.principal !== principal),
      );
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

  #checkBegin(name: string, mailbox: Mailbox, fact: Fact, { attempt, term }: Run): void {
    const recorded = mailbox.recordedUpTo.get(fact.resourceid) ?? 0;
    const isRecorded = fact.version <= Math.max(recorded, mailbox.receiverFloor);
    if (isRecorded && !this.#terms.mayRepeat(term, fact))
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

  #effect(name: string, mailbox: Mailbox, fact: Fact, term: Term | undefined): void {
    const last = this.#lastEffect.get(mailbox) ?? new Map<string, number>();
    this.#lastEffect.set(mailbox, last);
    const keys = [`resource ${fact.resourceid}`];
    if (fact.eventClass !== "command" && fact.subject !== undefined) keys.push(`subject ${fact.subject}`);
    for (const key of keys) {
      const before = last.get(key) ?? 0;
      // That an old life of a name is over may be heard late: its delete is by uid and touches nothing else.
      const isOldDelete = fact.eventClass === "delete" && key.startsWith("subject");
      if (before > fact.version && !isOldDelete && !this.#terms.mayBeLate(term))
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
