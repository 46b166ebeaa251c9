import {
  DeadlineQueue,
  type Deadline,
  type SpilledEvent,
  type Refused,
  type ResourceTurn,
  type SetAside,
} from "@hawser/delivery";
import { eventClass, supersedes } from "@hawser/protocol";

interface Delayed {
  readonly aside: SetAside;
  /** Absent once it is due. */
  deadline?: Deadline<string>;
}

/** Events that left memory before their next try: its time, and the refusals so far. */
export class EventsSetAside {
  readonly #byResource = new Map<string, Delayed>();
  readonly #deadlines = new DeadlineQueue<string>();

  get size(): number {
    return this.#byResource.size;
  }

  add(aside: SetAside): void {
    const { resourceid, dueAtMs } = aside;
    this.readBack(resourceid);
    this.#byResource.set(resourceid, { aside, deadline: this.#deadlines.add(resourceid, dueAtMs) });
  }

  /** Whether the resource has to wait for the next try of its event. */
  isDelayed(resourceid: string): boolean {
    return this.#byResource.get(resourceid)?.deadline !== undefined;
  }

  /** Ends the wait of everything that is due. */
  advance(nowMs: number): void {
    for (let first = this.#deadlines.first; first !== undefined && first.atMs <= nowMs; ) {
      this.#endDelay(first.key);
      first = this.#deadlines.first;
    }
  }

  /** When `advance` will next change anything. */
  nextAt(): number | undefined {
    return this.#deadlines.first?.atMs;
  }

  /** A newer event was stored: the wait of an older one that it supersedes ends. */
  newer({ version, event: { resourceid, type } }: SpilledEvent): void {
    const aside = this.#byResource.get(resourceid)?.aside;
    if (aside !== undefined && aside.from < version && supersedes(eventClass(type), eventClass(aside.type)))
      this.#endDelay(resourceid);
  }

  /** Events were purged: the wait for the next try of one of them ends. */
  purged(resourceid: string, versions: ReadonlySet<number>): void {
    const aside = this.#byResource.get(resourceid)?.aside;
    if (aside !== undefined && versions.has(aside.from)) this.#endDelay(resourceid);
  }

  /** That the event was refused before it was set aside. */
  refusedOf(resourceid: string, version: number): Refused | undefined {
    const aside = this.#byResource.get(resourceid)?.aside;
    return aside?.from === version ? aside.refused : undefined;
  }

  /** What a resource that is set aside waits for. */
  turnOf(resourceid: string): ResourceTurn | undefined {
    const delayed = this.#byResource.get(resourceid);
    if (delayed?.deadline === undefined || delayed.aside.refused === undefined) return undefined;
    const { from: version, refused } = delayed.aside;
    return { kind: "refused", version, nextTryAtMs: delayed.deadline.atMs, refused };
  }

  /** Events of the resource are in memory again. */
  readBack(resourceid: string): void {
    this.#endDelay(resourceid);
    this.#byResource.delete(resourceid);
  }

  #endDelay(resourceid: string): void {
    const delayed = this.#byResource.get(resourceid);
    if (delayed?.deadline === undefined) return;
    this.#deadlines.remove(delayed.deadline);
    delete delayed.deadline;
  }
}
