import { eventClass, supersedes, type EventKey } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";
import { Violation } from "./delivery-checker.js";

/** The rules of one session, held against what its writer is given, sends and is answered. */
export class SessionChecker {
  readonly #window: number;
  readonly #windowBytes: number;
  readonly #offered: Deliverable[] = [];
  /** Sent and unanswered, per resource. */
  readonly #outstanding = new Map<string, Deliverable>();
  readonly #lastSent = new Map<string, number>();
  /** Offered, and superseded by what stayed in the mailbox. */
  readonly #skipSpilled = new Set<number>();
  readonly #purged = new Set<number>();

  constructor(window: number, windowBytes: number) {
    this.#window = window;
    this.#windowBytes = windowBytes;
  }

  get outstanding(): number {
    return this.#outstanding.size;
  }

  offered(entry: Deliverable): void {
    this.#offered.push(entry);
  }

  /** It stays in the mailbox for now. */
  skipSpilled({ version, event }: Deliverable): void {
    const newer = eventClass(event.type);
    for (const older of this.#offered) {
      const isOlder = older.version < version && older.event.resourceid === event.resourceid;
      if (isOlder && supersedes(newer, eventClass(older.event.type))) this.#skipSpilled.add(older.version);
    }
  }

  /** It must not be sent from now on. */
  purged(version: number): void {
    this.#purged.add(version);
  }

  isOutstanding(version: number): boolean {
    return [...this.#outstanding.values()].some((entry) => entry.version === version);
  }

  sent(entry: Deliverable): void {
    const { version, event } = entry;
    const { resourceid } = event;
    const before = this.#outstanding.get(resourceid);
    if (before !== undefined && before.version !== version && !this.#givesWay(before))
      throw new Violation(`${version} was sent while ${before.version} of its resource was in flight`);
    if (this.#purged.has(version)) throw new Violation(`${version} was sent after it had been purged`);
    if (this.#superseded(entry)) throw new Violation(`${version} was sent although a newer state was there`);
    if (version < (this.#lastSent.get(resourceid) ?? 0))
      throw new Violation(`${version} was sent behind a newer event of its resource`);
    this.#lastSent.set(resourceid, version);
    this.#outstanding.set(resourceid, entry);
    if (this.#outstanding.size > this.#window)
      throw new Violation(`${this.#outstanding.size} events in flight, the window is ${this.#window}`);
    let bytes = 0;
    for (const each of this.#outstanding.values()) bytes += each.bytes;
    if (bytes > this.#windowBytes && this.#outstanding.size > 1)
      throw new Violation(`${bytes} bytes in flight, the window is ${this.#windowBytes}`);
  }

  answered({ resourceid, eventid }: EventKey): void {
    if (this.#outstanding.get(resourceid)?.event.eventid === eventid) this.#outstanding.delete(resourceid);
  }

  /** A superseded state, or what was purged, was overtaken by a command that had expired, or is not waited for: nothing of its resource is in flight any more. */
  gaveWay({ event }: Deliverable): void {
    this.#outstanding.delete(event.resourceid);
  }

  #givesWay(entry: Deliverable): boolean {
    return this.#purged.has(entry.version) || this.#superseded(entry);
  }

  #superseded({ version, event }: Deliverable): boolean {
    const itsClass = eventClass(event.type);
    if (this.#skipSpilled.has(version)) return true;
    return this.#offered.some(
      (newer) =>
        newer.version > version &&
        newer.event.resourceid === event.resourceid &&
        supersedes(eventClass(newer.event.type), itsClass),
    );
  }
}
