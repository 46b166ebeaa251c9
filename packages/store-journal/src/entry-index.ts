import { crc32 } from "node:zlib";

/** Place of an entry: `offset` of its checksum in the segment, `length` of its text in bytes. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

const FIRST_CAPACITY = 4;
/** Words of a slot besides its version: segment, offset, length. A removed entry has length 0. */
const WORDS = 3;
/** Slots that are gone stay until there are so many, and more than are left. */
const MIN_GONE = 64;
/** Bytes of an entry in `pack`, and of the checksum behind all of them. */
const PACKED_BYTES = 20;
const CHECKSUM_BYTES = 4;

/**
 * The places of one mailbox's entries in order of versions: 20 bytes of memory each, no objects.
 */
export class EntryIndex {
  #versions = new Float64Array(FIRST_CAPACITY);
  #words = new Uint32Array(FIRST_CAPACITY * WORDS);
  /** Slots in use, removed entries included. */
  #used = 0;
  #gone = 0;
  /** All slots before this one are gone. */
  #first = 0;

  get size(): number {
    return this.#used - this.#gone;
  }

  /** @returns the place that the entry had before, if it had one */
  set(version: number, place: Place): Place | undefined {
    const last = this.#used === 0 ? Number.NEGATIVE_INFINITY : (this.#versions[this.#used - 1] ?? 0);
    if (version > last) {
      this.#grow();
      this.#write(this.#used++, version, place);
      return undefined;
    }
    const at = this.#lowerBound(version);
    if (this.#versions[at] === version) {
      const former = this.#place(at);
      if (former === undefined) {
        this.#gone--;
        this.#first = Math.min(this.#first, at);
      }
      this.#write(at, version, place);
      return former;
    }
    this.#insert(at, version, place);
    return undefined;
  }

  get(version: number): Place | undefined {
    const at = this.#lowerBound(version);
    return at < this.#used && this.#versions[at] === version ? this.#place(at) : undefined;
  }

  has(version: number): boolean {
    const at = this.#lowerBound(version);
    return at < this.#used && this.#versions[at] === version && this.#words[at * WORDS + 2] !== 0;
  }

  /** @returns the place that the entry had, if it was there */
  delete(version: number): Place | undefined {
    const at = this.#lowerBound(version);
    if (at >= this.#used || this.#versions[at] !== version) return undefined;
    const former = this.#place(at);
    if (former === undefined) return undefined;
    this.#words[at * WORDS + 2] = 0;
    this.#gone++;
    while (this.#first < this.#used && this.#words[this.#first * WORDS + 2] === 0) this.#first++;
    if (this.#gone >= MIN_GONE && this.#gone * 2 > this.#used) this.#compact();
    return former;
  }

  /** Entries above `after`, in order, until `visit` answers false. It must not change the index. */
  visit(after: number, visit: (version: number, place: Place) => boolean): void {
    for (let at = Math.max(this.#first, this.#lowerBound(after)); at < this.#used; at++) {
      const version = this.#versions[at] ?? 0;
      const place = this.#place(at);
      if (place === undefined || version <= after) continue;
      if (!visit(version, place)) return;
    }
  }

  /** All of it as bytes. */
  pack(): Buffer {
    const bytes = Buffer.allocUnsafe(this.size * PACKED_BYTES + CHECKSUM_BYTES);
    let at = 0;
    this.visit(Number.NEGATIVE_INFINITY, (version, { segment, offset, length }) => {
      bytes.writeDoubleLE(version, at);
      bytes.writeUInt32LE(segment, at + 8);
      bytes.writeUInt32LE(offset, at + 12);
      bytes.writeUInt32LE(length, at + 16);
      at += PACKED_BYTES;
      return true;
    });
    bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at);
    return bytes;
  }

  /** What `pack` made; undefined where it is damaged. */
  static unpack(bytes: Buffer): EntryIndex | undefined {
    const end = bytes.length - CHECKSUM_BYTES;
    if (end < 0 || end % PACKED_BYTES !== 0) return undefined;
    if (bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return undefined;
    const index = new EntryIndex();
    for (let at = 0; at < end; at += PACKED_BYTES) {
      index.set(bytes.readDoubleLE(at), {
        segment: bytes.readUInt32LE(at + 8),
        offset: bytes.readUInt32LE(at + 12),
        length: bytes.readUInt32LE(at + 16),
      });
    }
    return index;
  }

  #place(at: number): Place | undefined {
    const word = at * WORDS;
    const length = this.#words[word + 2] ?? 0;
    if (length === 0) return undefined;
    return { segment: this.#words[word] ?? 0, offset: this.#words[word + 1] ?? 0, length };
  }

  #write(at: number, version: number, { segment, offset, length }: Place): void {
    this.#versions[at] = version;
    const word = at * WORDS;
    this.#words[word] = segment;
    this.#words[word + 1] = offset;
    this.#words[word + 2] = length;
  }

  /** The first slot with `version` or a higher one. */
  #lowerBound(version: number): number {
    let low = this.#first;
    let high = this.#used;
    // Versions below the first slot that is there are gone, and looked for by nobody but `set`.
    if (low > 0 && version <= (this.#versions[low - 1] ?? 0)) low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#versions[middle] ?? 0) < version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Rare: a state that a peer has to hear again keeps its old version. */
  #insert(at: number, version: number, place: Place): void {
    this.#grow();
    this.#versions.copyWithin(at + 1, at, this.#used);
    this.#words.copyWithin((at + 1) * WORDS, at * WORDS, this.#used * WORDS);
    this.#used++;
    this.#write(at, version, place);
    this.#first = Math.min(this.#first, at);
  }

  /** Room for one more. */
  #grow(): void {
    if (this.#used < this.#versions.length) return;
    this.#resize(this.#versions.length * 2);
  }

  #compact(): void {
    let to = 0;
    for (let at = this.#first; at < this.#used; at++) {
      const place = this.#place(at);
      if (place !== undefined) this.#write(to++, this.#versions[at] ?? 0, place);
    }
    this.#used = to;
    this.#gone = 0;
    this.#first = 0;
    if (to * 4 < this.#versions.length) this.#resize(Math.max(FIRST_CAPACITY, to * 2));
  }

  #resize(capacity: number): void {
    const versions = new Float64Array(capacity);
    const words = new Uint32Array(capacity * WORDS);
    versions.set(this.#versions.subarray(0, this.#used));
    words.set(this.#words.subarray(0, this.#used * WORDS));
    this.#versions = versions;
    this.#words = words;
  }
}
