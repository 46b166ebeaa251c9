/** What was left on disk of a resource: everything of it from the one version to the other. */
export interface Spilled {
  readonly resourceid: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Resources with so many events in memory that the rest stays on disk while the mailbox is read on.
 * Later events of them stay there too until the earlier ones are read back, which keeps their
 * order.
 */
export class SpilledResources {
  readonly #spilled = new Map<string, Spilled>();

  get size(): number {
    return this.#spilled.size;
  }

  get(resourceid: string): Spilled | undefined {
    return this.#spilled.get(resourceid);
  }

  /** An event of the resource is left on disk. */
  leave(resourceid: string, version: number): void {
    const { from } = this.#spilled.get(resourceid) ?? { from: version };
    this.#spilled.set(resourceid, { resourceid, from, to: version });
  }

  /** These versions of the resource are on disk alone; earlier and later ones may be as well. */
  putBack(resourceid: string, from: number, to: number): void {
    const { from: first, to: last } = this.#spilled.get(resourceid) ?? { from, to };
    this.#spilled.set(resourceid, { resourceid, from: Math.min(first, from), to: Math.max(last, to) });
  }

  /** Everything of the resource up to `version` has been read back, or is gone. */
  readUpTo(resourceid: string, version: number): void {
    const spilled = this.#spilled.get(resourceid);
    if (spilled === undefined) return;
    if (spilled.to <= version) this.#spilled.delete(resourceid);
    else this.#spilled.set(resourceid, { ...spilled, from: Math.max(spilled.from, version + 1) });
  }

  /** The first that wants more of itself in memory. */
  find(wanted: (resourceid: string) => boolean): Spilled | undefined {
    for (const spilled of this.#spilled.values()) if (wanted(spilled.resourceid)) return spilled;
    return undefined;
  }

  /** The lowest version left on disk. */
  lowest(): number | undefined {
    let lowest: number | undefined;
    for (const { from } of this.#spilled.values()) if (lowest === undefined || from < lowest) lowest = from;
    return lowest;
  }
}
