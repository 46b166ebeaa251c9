import type { Changes, Entry, EntryName, EntryRange, KeyRange, OpenDisk, Row } from "../disk/disk.js";

/** The size of an entry besides its text, roughly. */
const ENTRY_OVERHEAD = 32;

type ByPeer = Map<string, Map<number, string | undefined>>;

function within(all: ByPeer, peer: string): Map<number, string | undefined> {
  let found = all.get(peer);
  if (found === undefined) {
    found = new Map();
    all.set(peer, found);
  }
  return found;
}

/** The rows and entries that one commit changes, over the disk as it is. Reads see the changes. */
export class ChangeSet {
  /** Rough size of the commit. */
  bytes = 0;
  /** Counts changes, to tell whether a write that failed had begun to make some. */
  revision = 0;
  readonly #disk: OpenDisk;
  readonly #rows = new Map<string, string | undefined>();
  readonly #knownRows = new Map<string, string | undefined>();
  readonly #entries: ByPeer = new Map();
  readonly #knownEntries: ByPeer = new Map();
  readonly #effects: (() => void)[] = [];

  constructor(disk: OpenDisk) {
    this.#disk = disk;
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0 && this.#entries.size === 0;
  }

  get changes(): Changes {
    return { rows: this.#rows, entries: this.#entries };
  }

  /** Reads many keys in one go, so that `get` of them need not wait. */
  async prefetch(keys: ReadonlySet<string>): Promise<void> {
    if (keys.size === 0) return;
    const list = [...keys];
    const values = await this.#disk.get(list);
    list.forEach((key, index) => this.#knownRows.set(key, values[index]));
  }

  /** Reads many entries in one go, so that `entry` of them need not wait. */
  async prefetchEntries(wanted: readonly EntryName[]): Promise<void> {
    if (wanted.length === 0) return;
    const texts = await this.#disk.getEntries(wanted);
    wanted.forEach(({ peer, version }, index) => within(this.#knownEntries, peer).set(version, texts[index]));
  }

  get(key: string): string | undefined | Promise<string | undefined> {
    if (this.#rows.has(key)) return this.#rows.get(key);
    if (this.#knownRows.has(key)) return this.#knownRows.get(key);
    return this.#disk.get([key]).then(([value]) => value);
  }

  /** The text of a pending entry. */
  entry(peer: string, version: number): string | undefined | Promise<string | undefined> {
    const changed = this.#entries.get(peer);
    if (changed?.has(version) === true) return changed.get(version);
    const known = this.#knownEntries.get(peer);
    if (known?.has(version) === true) return known.get(version);
    return this.#disk.getEntries([{ peer, version }]).then(([text]) => text);
  }

  /** Which of these versions of one mailbox are pending. */
  async pendingOf(peer: string, versions: readonly number[]): Promise<ReadonlySet<number>> {
    const changed = this.#entries.get(peer);
    const found = await this.#disk.hasEntries(versions.map((version) => ({ peer, version })));
    return new Set(
      versions.filter((version, index) =>
        changed?.has(version) === true ? changed.get(version) !== undefined : found[index],
      ),
    );
  }

  /** Whether this commit leaves the entry pending. */
  writesEntry(peer: string, version: number): boolean {
    return this.#entries.get(peer)?.get(version) !== undefined;
  }

  /** The rows of a range. `limit` counts those on disk. */
  async range(range: KeyRange): Promise<readonly Row[]> {
    return (await this.page(range)).rows;
  }

  /** As `range`. `isLast`: the disk has no more of it, whatever this commit removes. */
  async page(range: KeyRange): Promise<{ readonly rows: readonly Row[]; readonly isLast: boolean }> {
    const found = await this.#disk.range(range);
    const length = found.reduce((sum, [, value]) => sum + value.length, 0);
    const merged = new Map(found);
    for (const [key, value] of this.#rows)
      if (key >= range.from && key < range.before) change(merged, key, value);
    return { rows: [...merged], isLast: isLast(range, found.length, length) };
  }

  /** The entries of a range, and the `last` version of it that was read. As `page` otherwise. */
  async entryPage(
    range: EntryRange,
  ): Promise<{ readonly entries: readonly Entry[]; readonly last: number; readonly isLast: boolean }> {
    const found = await this.#disk.rangeEntries(range);
    const { peer, after } = range;
    const length = found.reduce((sum, { text }) => sum + text.length, 0);
    const merged = new Map(found.map(({ version, text }) => [version, text]));
    for (const [version, text] of this.#entries.get(peer) ?? [])
      if (version > after) change(merged, version, text);
    const entries = [...merged].map(([version, text]) => ({ version, text }));
    return { entries, last: found.at(-1)?.version ?? after, isLast: isLast(range, found.length, length) };
  }

  put(key: string, value: string): void {
    this.revision++;
    this.#rows.set(key, value);
    this.bytes += key.length + value.length;
  }

  remove(key: string): void {
    this.revision++;
    this.#rows.set(key, undefined);
    this.bytes += key.length;
  }

  /** @param text undefined removes */
  putEntry(peer: string, version: number, text: string | undefined): void {
    this.revision++;
    within(this.#entries, peer).set(version, text);
    this.bytes += ENTRY_OVERHEAD + (text?.length ?? 0);
  }

  /** Runs `effect` once everything is on disk, in the order of these calls. */
  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  /** It is on disk. */
  publish(): void {
    for (const effect of this.#effects) effect();
  }
}

function change<K>(all: Map<K, string>, key: K, value: string | undefined): void {
  if (value === undefined) all.delete(key);
  else all.set(key, value);
}

function isLast({ limit, maxLength }: Pick<KeyRange, "limit" | "maxLength">, count: number, length: number) {
  return count < limit && length < (maxLength ?? Number.POSITIVE_INFINITY);
}
