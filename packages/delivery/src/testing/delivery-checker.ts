import { eventClass, supersedes, type EventKey } from "@hawser/protocol";
import type { Deliverable } from "../deliverable.js";

/** What is known of one accepted event. */
interface Fate {
  readonly entry: Deliverable;
  attempts: number;
  effects: number;
  recorded: boolean;
  deadLettered: boolean;
  purged: boolean;
}

/** Thrown by a check: a rule of delivery was broken. */
export class Violation extends Error {}

/**
 * The rules of delivery, held against what the simulated sender and receiver do. It knows only what was accepted and what was observed, and nothing of how the
 * writer or the inbox decide.
 */
export class DeliveryChecker {
  readonly #fates = new Map<number, Fate>();
  readonly #byResource = new Map<string, Fate[]>();
  readonly #lastEffect = new Map<string, number>();

  accepted(entry: Deliverable): void {
    const fate: Fate = {
      entry,
      attempts: 0,
      effects: 0,
      recorded: false,
      deadLettered: false,
      purged: false,
    };
    this.#fates.set(entry.version, fate);
    const { resourceid } = entry.event;
    const siblings = this.#byResource.get(resourceid);
    if (siblings === undefined) this.#byResource.set(resourceid, [fate]);
    else siblings.push(fate);
  }

  handlerBegan({ version }: Deliverable, attempt: number): void {
    const fate = this.#fate(version);
    if (fate.recorded) throw new Violation(`${version} was handed to its handler after it had been recorded`);
    if (attempt <= fate.attempts)
      throw new Violation(`${version} began as attempt ${attempt}, after attempt ${fate.attempts}`);
    fate.attempts = attempt;
  }

  /** The handler changed the world. */
  effect({ version, event }: Deliverable): void {
    const fate = this.#fate(version);
    const last = this.#lastEffect.get(event.resourceid) ?? 0;
    if (version < last) throw new Violation(`${event.resourceid} went back from ${last} to ${version}`);
    if (fate.recorded) throw new Violation(`${version} was applied again after it had been recorded`);
    const skipped = this.#siblings(event.resourceid).find((earlier) => this.#isOwedBefore(earlier, version));
    if (skipped !== undefined)
      throw new Violation(`${version} was applied before command ${skipped.entry.version} of its resource`);
    this.#lastEffect.set(event.resourceid, version);
    fate.effects += 1;
  }

  recorded(version: number): void {
    const fate = this.#fate(version);
    if (fate.effects === 0) throw new Violation(`${version} was recorded without having been applied`);
    fate.recorded = true;
  }

  deadLettered(version: number): void {
    this.#fate(version).deadLettered = true;
  }

  /** Nobody wants it any more. It may be on its way to its handler all the same, or there. */
  purged(version: number): void {
    this.#fate(version).purged = true;
  }

  /** The sender believes an ACK. */
  acknowledged({ eventid }: EventKey): void {
    const fate = this.#fate(Number(eventid));
    if (!fate.recorded && !fate.deadLettered && !this.outdated(fate.entry))
      throw new Violation(`${eventid} was acknowledged and is neither recorded nor superseded`);
  }

  /** True once a newer state has been accepted that makes this one pointless. */
  outdated({ version, event }: Deliverable): boolean {
    const itsClass = eventClass(event.type);
    return this.#siblings(event.resourceid).some(
      ({ entry }) => entry.version > version && supersedes(eventClass(entry.event.type), itsClass),
    );
  }

  /** After healing: nothing accepted is missing, and the newest state is the one that was applied. */
  converged(): void {
    for (const { entry, recorded, deadLettered, purged } of this.#fates.values()) {
      if (recorded || deadLettered || purged || this.outdated(entry)) continue;
      throw new Violation(`${entry.version} (${entry.event.type}) was accepted and lost`);
    }
  }

  #fate(version: number): Fate {
    const fate = this.#fates.get(version);
    if (fate === undefined) throw new Violation(`${version} was never accepted`);
    return fate;
  }

  #siblings(resourceid: string): readonly Fate[] {
    return this.#byResource.get(resourceid) ?? [];
  }

  #isOwedBefore({ entry, recorded, deadLettered, purged }: Fate, version: number): boolean {
    if (recorded || deadLettered || purged) return false;
    return entry.version < version && eventClass(entry.event.type) === "command";
  }
}
