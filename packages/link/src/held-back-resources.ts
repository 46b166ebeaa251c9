import { eventClass } from "@hawser/protocol";
import type { Deliverable } from "@hawser/delivery";
import type { Spilled } from "./spilled-resources.js";

/** A delete that the peer has not answered. */
export interface DeleteAhead {
  readonly resourceid: string;
  readonly version: number;
}

interface Unanswered extends DeleteAhead {
  readonly subject: string;
  /** Resources that wait for the answer. */
  readonly behind: Set<string>;
}

interface HeldBack {
  readonly spilled: Spilled;
  readonly ahead: string;
}

/**
 * Resources that wait for the delete of another one of their name: a new uid is sent only after the
 * delete of the old one is answered (PROTOCOL.md, Sending). Until then, what comes of such a
 * resource stays on disk.
 *
 * Nobody waits in a circle: a resource that others wait for is never held back from then on.
 */
export class HeldBackResources {
  readonly #heldBack = new Map<string, HeldBack>();
  /** By resource. */
  readonly #deletes = new Map<string, Unanswered>();
  /** By `<kind>/<name>`, the resource of the newest of them. */
  readonly #newest = new Map<string, string>();

  get size(): number {
    return this.#heldBack.size;
  }

  get(resourceid: string): Spilled | undefined {
    return this.#heldBack.get(resourceid)?.spilled;
  }

  /** The delete that a resource waits for first: the one it is behind may be behind another. */
  firstAhead(resourceid: string): DeleteAhead | undefined {
    let first: Unanswered | undefined;
    for (let held = this.#heldBack.get(resourceid); held !== undefined; ) {
      first = this.#deletes.get(held.ahead);
      held = this.#heldBack.get(held.ahead);
    }
    return first && { resourceid: first.resourceid, version: first.version };
  }

  /** Version of the unanswered delete of this resource, if there is one. */
  deleteOf(resourceid: string): number | undefined {
    return this.#deletes.get(resourceid)?.version;
  }

  /** Whether this event, the next one of its mailbox, stays on disk. Tell `seen` of it as well. */
  holdsBack({ version, event: { resourceid, type, subject } }: Deliverable): boolean {
    const held = this.#heldBack.get(resourceid);
    const ahead =
      held?.ahead ?? (eventClass(type) === "command" ? undefined : this.#aheadOf(resourceid, subject));
    if (ahead === undefined) return false;
    const from = held?.spilled.from ?? version;
    this.#heldBack.set(resourceid, { spilled: { resourceid, from, to: version }, ahead });
    this.#deletes.get(ahead)?.behind.add(resourceid);
    return true;
  }

  /** The next event came. Behind a delete, other uids of its name wait from now on. */
  seen({ version, event: { resourceid, type, subject } }: Deliverable): void {
    if (eventClass(type) !== "delete" || subject === undefined) return;
    const behind = this.#deletes.get(resourceid)?.behind ?? new Set();
    this.#deletes.set(resourceid, { resourceid, version, subject, behind });
    this.#newest.set(subject, resourceid);
  }

  /** The delete is answered: the resources that waited for it are spilled, not held back. */
  answered(resourceid: string): readonly Spilled[] {
    const answered = this.#deletes.get(resourceid);
    if (answered === undefined) return [];
    this.#deletes.delete(resourceid);
    if (this.#newest.get(answered.subject) === resourceid) this.#newest.delete(answered.subject);
    return [...answered.behind].flatMap((id) => {
      const held = this.#heldBack.get(id);
      this.#heldBack.delete(id);
      return held === undefined ? [] : [held.spilled];
    });
  }

  /** The lowest version held back. */
  lowest(): number | undefined {
    let lowest: number | undefined;
    for (const { spilled } of this.#heldBack.values())
      if (lowest === undefined || spilled.from < lowest) lowest = spilled.from;
    return lowest;
  }

  #aheadOf(resourceid: string, subject: string | undefined): string | undefined {
    const newest = subject === undefined ? undefined : this.#newest.get(subject);
    if (newest === resourceid || this.#deletes.get(resourceid)?.behind.size) return undefined;
    return newest;
  }
}
