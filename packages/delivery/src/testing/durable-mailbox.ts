import { eventClass, supersedes } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";

/**
 * What survives a crash of the sender: accepted events, dead letters, and the acknowledgements that were written out. Others are lost with the process, so
 * that their events are pending again.
 */
export class DurableMailbox {
  readonly #coalescesAtAppend: boolean;
  readonly #pending = new Map<number, Deliverable>();
  readonly #unwrittenAcks = new Map<number, Deliverable>();
  #lastVersion = 0;

  /** @param coalescesAtAppend false: superseded states stay until the newer one is settled. A store may do either. */
  constructor(coalescesAtAppend: boolean) {
    this.#coalescesAtAppend = coalescesAtAppend;
  }

  get lastVersion(): number {
    return this.#lastVersion;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Everything up to it is settled. */
  get floor(): number {
    let lowest = this.#lastVersion + 1;
    for (const version of this.#pending.keys()) lowest = Math.min(lowest, version);
    return lowest - 1;
  }

  append(make: (version: number) => Deliverable): Deliverable {
    this.#lastVersion += 1;
    const entry = make(this.#lastVersion);
    if (this.#coalescesAtAppend) this.#dropOutdatedBy(entry);
    this.#pending.set(entry.version, entry);
    return entry;
  }

  /** The first pending entry behind `cursor`. */
  after(cursor: number): Deliverable | undefined {
    for (let version = cursor + 1; version <= this.#lastVersion; version += 1) {
      const entry = this.#pending.get(version);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  acknowledge(version: number): void {
    const entry = this.#pending.get(version);
    if (entry === undefined) return;
    this.#dropOutdatedBy(entry);
    this.#pending.delete(version);
    this.#unwrittenAcks.set(version, entry);
  }

  writeAcks(): void {
    this.#unwrittenAcks.clear();
  }

  deadLetter(version: number): void {
    const entry = this.#pending.get(version);
    if (entry === undefined) return;
    this.#dropOutdatedBy(entry);
    this.#pending.delete(version);
  }

  /** Takes out what is meant; what was acknowledged is not pending. */
  purge(isMeant: (entry: Deliverable) => boolean): readonly Deliverable[] {
    const gone = [...this.#pending.values()].filter(isMeant);
    for (const { version } of gone) this.#pending.delete(version);
    return gone;
  }

  crash(): void {
    for (const [version, entry] of this.#unwrittenAcks) this.#pending.set(version, entry);
    this.#unwrittenAcks.clear();
  }

  #dropOutdatedBy(newer: Deliverable): void {
    const newerClass = eventClass(newer.event.type);
    for (const { version, event } of this.#pending.values()) {
      if (event.resourceid !== newer.event.resourceid || version >= newer.version) continue;
      if (supersedes(newerClass, eventClass(event.type))) this.#pending.delete(version);
    }
  }
}
