/** Acknowledgements written with one commit; the rest goes with the next. */
const MAX_PER_COMMIT = 4_096;

/** How many may wait, about 50 bytes each. Further ones are dropped, which costs a resend. */
export const MAX_GATHERED = 1_000_000;

/** Acknowledgements that are not written. A version stays here until its commit is done. */
export class Acknowledgements {
  readonly #gathered = new Map<string, Set<number>>();
  /** How many events a peer says it has recorded, where that is not written yet. */
  readonly #recorded = new Map<string, number>();
  readonly #onGathered: () => void;
  #count = 0;

  /** @param onGathered called for each addition */
  constructor(onGathered: () => void) {
    this.#onGathered = onGathered;
  }

  get empty(): boolean {
    return this.#gathered.size === 0;
  }

  /** How many commits it takes to write what is gathered now. */
  get commits(): number {
    return Math.ceil(this.#count / MAX_PER_COMMIT);
  }

  /** @param recorded how many events the peer says it has recorded: committed together with this */
  add(peer: string, version: number, recorded = 0): void {
    const versions = this.#gathered.get(peer);
    if (versions?.has(version) === true || this.#count >= MAX_GATHERED) return;
    if (versions === undefined) this.#gathered.set(peer, new Set([version]));
    else versions.add(version);
    this.#count++;
    if (recorded > this.recordedBy(peer)) this.#recorded.set(peer, recorded);
    this.#onGathered();
  }

  recordedBy(peer: string): number {
    return this.#recorded.get(peer) ?? 0;
  }

  has(peer: string, version: number): boolean {
    return this.#gathered.get(peer)?.has(version) ?? false;
  }

  /** Up to `MAX_PER_COMMIT` of them, by peer. */
  next(): ReadonlyMap<string, readonly number[]> {
    const taken = new Map<string, readonly number[]>();
    let room = MAX_PER_COMMIT;
    for (const [peer, versions] of this.#gathered) {
      const some = [...versions];
      if (some.length > room) some.length = room;
      taken.set(peer, some);
      room -= some.length;
      if (room === 0) break;
    }
    return taken;
  }

  /** The peer lost its store, and with it what it acknowledged. */
  forget(peer: string): void {
    this.#count -= this.#gathered.get(peer)?.size ?? 0;
    this.#gathered.delete(peer);
    this.#recorded.delete(peer);
  }

  /** Their meaning is lost, which costs resends. */
  forgetAll(): void {
    this.#count = 0;
    this.#gathered.clear();
    this.#recorded.clear();
  }

  done(peer: string, recorded: readonly number[]): void {
    const versions = this.#gathered.get(peer);
    if (versions === undefined) return;
    for (const version of recorded) if (versions.delete(version)) this.#count--;
    if (versions.size > 0) return;
    this.#gathered.delete(peer);
    this.#recorded.delete(peer);
  }
}
