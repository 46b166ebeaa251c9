import { HawserError } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { Member } from "../contract/views.js";
import type { Life } from "./life.js";

/** The clients that share the store. */
export class Membership {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #members = new Map<string, Life>();

  /** @param ttlMs after so much silence a member counts as gone, and its mailboxes as given up */
  constructor(clock: Clock, ttlMs: number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  get lives(): Iterable<Life> {
    return this.#members.values();
  }

  /** A client begins a life. What it began before under this name ends. */
  async join(life: Life): Promise<void> {
    const former = this.#members.get(life.name);
    life.since = this.#clock.wallTime();
    life.stage = "member";
    this.#members.set(life.name, life);
    if (former === undefined) return;
    former.link.notify(former.onFenced);
    await end(former);
  }

  async leave(life: Life): Promise<void> {
    if (this.#members.get(life.name) === life) this.#members.delete(life.name);
    await end(life);
  }

  /**
   * A client said something. It may have been taken for gone meanwhile.
   *
   * @throws HawserError `store_unavailable` where this life of it has ended
   */
  heard(life: Life): void {
    if (life.stage === "ended") {
      life.link.notify(life.onFenced);
      const message = `another life of ${life.name} has taken the place of this one`;
      throw new HawserError("store_unavailable", message);
    }
    life.seenAt = this.#clock.wallTime();
    life.heardAt = this.#clock.now();
    if (life.stage === "member") this.#members.set(life.name, life);
    for (const other of this.#members.values()) {
      if (life.heardAt - other.heardAt <= this.#ttlMs) continue;
      this.#members.delete(other.name);
      void giveUp(other);
    }
  }

  /** For the client of this life. */
  list(life: Life): readonly Member[] {
    const all = [...this.#members.values()].map((member) => ({
      name: member.name,
      since: member.since,
      seenAt: member.seenAt,
      isSelf: member === life,
    }));
    return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

async function end(life: Life): Promise<void> {
  life.stage = "ended";
  await giveUp(life);
  await life.storeUse?.release();
}

/** Nobody of this life holds or uses anything any more. */
async function giveUp(life: Life): Promise<void> {
  for (const use of life.uses.values()) use.release();
  life.uses.clear();
  await Promise.all([...life.leases.values()].map((lease) => lease.close()));
}
