import { supersedes } from "@hawser/protocol";
import type { Findings } from "./findings.js";
import type { Identity } from "./identity.js";
import { Purges } from "./purges.js";

/** `down`: from the principal to the agent; `up`: the other way. */
export type Direction = "down" | "up";

/** One accepted event and what became of it, as seen from outside. */
export interface Fact extends Identity {
  /** The publisher was told that it is accepted. */
  promised: boolean;
  /** When it was, in virtual milliseconds. */
  promisedAtMs: number;
  /** Highest attempt that began; 0 before the first, and again after a crash that may have lost the number. */
  attempt: number;
  effects: number;
  /** When its first effect took place, in `Ledger.tick`. */
  effectAt: number;
  /** By the receiver, as it said itself. */
  recorded: boolean;
  /** The receiver said that it knows nothing that this is about, and keeps nothing of it. */
  discarded: boolean;
  acknowledged: boolean;
  /** When its sender last heard that, in virtual milliseconds. */
  acknowledgedAtMs: number;
  deadLetter: string | undefined;
  /** Names of the principal that accepted it and of the one that sent it first, as far as that is known. */
  acceptedBy: string | undefined;
  sentBy: string | undefined;
  /** Its receiver died before it was recorded: what was said of it then is not known afterwards. */
  wasForgotten: boolean;
}

/** One life of a mailbox: versions are comparable within it. */
export class Mailbox {
  readonly direction: Direction;
  readonly agent: string;
  readonly store: string;
  readonly facts = new Map<number, Fact>();
  /** No handler may be given anything up to this version any more. */
  receiverFloor = 0;
  /** Last version the receiver is known to have recorded, by resource. */
  readonly recordedUpTo = new Map<string, number>();
  readonly purges: Purges;
  /** Changes whose publishers have not been answered, or never will be, by subject: any of them may be there, and newest. */
  readonly #unanswered = new Map<string, number>();
  /** Of events nobody was told of yet: a write that failed was there all the same, and what it held has expired. */
  readonly #letters = new Map<number, { readonly content: string; readonly code: string }>();
  readonly #byResource = new Map<string, Fact[]>();
  readonly #bySubject = new Map<string, Fact[]>();
  #peerStore: string | undefined;
  readonly #findings: Findings;
  readonly #now: () => number;

  constructor(direction: Direction, agent: string, store: string, findings: Findings, now: () => number) {
    this.direction = direction;
    this.agent = agent;
    this.store = store;
    this.#findings = findings;
    this.#now = now;
    this.purges = new Purges(now);
  }

  get name(): string {
    return `${this.direction} ${this.agent}`;
  }

  /** Learns of an event; `promised` when its publisher was told. */
  note(identity: Identity, promised: boolean): Fact {
    const { version, resourceid, subject, content } = identity;
    const known = this.facts.get(version);
    if (known !== undefined) {
      if (known.resourceid !== resourceid || known.content !== content) {
        const two = `${known.resourceid} ${known.content} and ${resourceid} ${content}`;
        this.#findings.violation("one event per version", `${this.name}@${version} is ${two}`);
      }
      if (promised && !known.promised) known.promisedAtMs = this.#now();
      known.promised ||= promised;
      return known;
    }
    const letter = this.#letters.get(version);
    const fact: Fact = {
      ...identity,
      promised,
      promisedAtMs: promised ? this.#now() : Number.POSITIVE_INFINITY,
      attempt: 0,
      effects: 0,
      effectAt: 0,
      recorded: false,
      discarded: false,
      acknowledged: false,
      acknowledgedAtMs: Number.POSITIVE_INFINITY,
      deadLetter: letter?.content === content ? letter.code : undefined,
      acceptedBy: undefined,
      sentBy: undefined,
      wasForgotten: false,
    };
    this.facts.set(version, fact);
    append(this.#byResource, resourceid, fact);
    if (subject !== undefined) append(this.#bySubject, subject, fact);
    return fact;
  }

  /** The sender says that this event has become a dead letter. */
  noteDeadLetter(version: number, content: string, code: string): void {
    const fact = this.facts.get(version);
    if (fact === undefined) this.#letters.set(version, { content, code });
    else if (fact.content === content) fact.deadLetter = code;
  }

  siblings(resourceid: string): readonly Fact[] {
    return this.#byResource.get(resourceid) ?? [];
  }

  /** A publisher begins to change this subject; call what this answers once the publisher knows for certain what became of it. */
  beginChange(subject: string): () => void {
    const count = (by: number): void => {
      this.#unanswered.set(subject, (this.#unanswered.get(subject) ?? 0) + by);
    };
    count(1);
    return () => count(-1);
  }

  /** Whether the receiver has the store that it had when it was heard of before. */
  isKnownBy(peerStore: string): boolean {
    const isKnown = this.#peerStore === peerStore;
    this.#peerStore = peerStore;
    return isKnown;
  }

  /** Whether its sender was told of this resource and never to let it go. */
  holds(resourceid: string): boolean {
    const facts = this.siblings(resourceid).filter(({ promised }) => promised);
    const isGone = facts.some(({ eventClass }) => eventClass === "delete");
    return !isGone && facts.some((fact) => fact.eventClass === "spec" && !this.mayBeOutdated(fact));
  }

  /** Deletes of resources that had the name before this one. */
  deletesBefore(fact: Fact): readonly Fact[] {
    if (fact.subject === undefined) return [];
    return (this.#bySubject.get(fact.subject) ?? []).filter(
      ({ version, resourceid, eventClass }) =>
        eventClass === "delete" && version < fact.version && resourceid !== fact.resourceid,
    );
  }

  /** A newer state makes this one pointless. */
  outdated(fact: Fact): boolean {
    return this.siblings(fact.resourceid).some(
      ({ version, eventClass }) => version > fact.version && supersedes(eventClass, fact.eventClass),
    );
  }

  /** A newer state makes this one pointless, and its publisher was told by then that it is accepted, in virtual milliseconds. */
  isKnownOutdated(fact: Fact, byMs: number): boolean {
    return this.siblings(fact.resourceid).some(
      ({ version, eventClass, promisedAtMs }) =>
        promisedAtMs <= byMs && version > fact.version && supersedes(eventClass, fact.eventClass),
    );
  }

  /** Whether its receiver may be done with it although its handler has changed nothing. */
  mayBeIdle(fact: Fact): boolean {
    if (fact.eventClass === "command") return false;
    if (fact.eventClass === "status" || this.mayBeOutdated(fact)) return true;
    // Of what was never made there is nothing to delete.
    const isMade = this.siblings(fact.resourceid).some(
      ({ eventClass, effects }) => eventClass === "spec" && effects > 0,
    );
    return fact.eventClass === "delete" && !isMade;
  }

  /** Also by something nobody was told of yet, such as the delete before a new life. */
  mayBeOutdated(fact: Fact): boolean {
    if (fact.eventClass === "command") return false;
    const isChanging = fact.subject !== undefined && (this.#unanswered.get(fact.subject) ?? 0) > 0;
    return isChanging || this.outdated(fact) || this.#renamed(fact);
  }

  /** Another resource has the name now. */
  #renamed(fact: Fact): boolean {
    if (fact.subject === undefined) return false;
    return (this.#bySubject.get(fact.subject) ?? []).some(
      ({ version, resourceid, eventClass }) =>
        version > fact.version && resourceid !== fact.resourceid && eventClass === "spec",
    );
  }
}

/** Everything that is known about accepted events, from the answers publishers got and from the wire. */
export class Ledger {
  readonly #findings: Findings;
  readonly #now: () => number;
  readonly #lives = new Map<string, Mailbox>();
  readonly #current = new Map<string, Mailbox>();
  #tick = 0;

  constructor(findings: Findings, now: () => number) {
    this.#findings = findings;
    this.#now = now;
  }

  /** Counts what happens, to tell what was before what. */
  tick(): number {
    this.#tick += 1;
    return this.#tick;
  }

  /** The life of a mailbox in the store of this name; the newest one made is the current one. */
  life(direction: Direction, agent: string, store: string): Mailbox {
    const key = `${direction} ${agent} ${store}`;
    let mailbox = this.#lives.get(key);
    if (mailbox === undefined) {
      mailbox = new Mailbox(direction, agent, store, this.#findings, this.#now);
      this.#lives.set(key, mailbox);
      this.#current.set(`${direction} ${agent}`, mailbox);
    }
    return mailbox;
  }

  current(direction: Direction, agent: string): Mailbox {
    const mailbox = this.#current.get(`${direction} ${agent}`);
    if (mailbox === undefined) throw new Error(`no mailbox ${direction} ${agent} yet`);
    return mailbox;
  }

  lives(direction: Direction, agent: string): readonly Mailbox[] {
    return [...this.#lives.values()].filter((life) => life.direction === direction && life.agent === agent);
  }
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}
