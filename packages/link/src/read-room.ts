import type { EventWriter } from "@hawser/delivery";
import type { ReadAhead } from "./read-ahead.js";

// Entries a session holds: enough to keep the window full during one read.
const HELD_PER_WINDOW = 4;
const MIN_HELD = 256;
// Share of them for one resource that cannot be sent: one is in flight, a few behind it do.
const RESOURCE_SHARE = 1 / 64;
const MIN_PER_RESOURCE = 16;
// Factor where nothing held can be sent, as many resources may back off at once.
const STARVED_FACTOR = 8;

/** The entries and bytes of a mailbox that one session may hold, and the room left. */
export class ReadRoom {
  /** Entries, where not all of them stand still. */
  readonly maxHeld: number;
  /** Entries of a resource that stands still, where bytes are not short. */
  readonly maxPerResource: number;
  readonly #writer: EventWriter;
  readonly #readAhead: ReadAhead;
  /** Bytes that `readAhead` counts for this session. */
  #countedBytes = 0;
  /** What the claim of the mailbox may bring along. */
  #reserved = 0;
  #isClosed = false;

  /**
   * @param writer what is held
   * @param window of the session, in events
   * @param readAhead what all sessions of this process hold
   */
  constructor(writer: EventWriter, window: number, readAhead: ReadAhead) {
    this.#writer = writer;
    this.#readAhead = readAhead;
    this.maxHeld = Math.max(MIN_HELD, window * HELD_PER_WINDOW);
    this.maxPerResource = Math.max(MIN_PER_RESOURCE, Math.floor(this.maxHeld * RESOURCE_SHARE));
  }

  /** Of what is set aside, or held where all of it stands still. */
  get maxStarved(): number {
    return this.maxHeld * STARVED_FACTOR;
  }

  /** How many bytes a read may bring now. */
  get allowance(): number {
    const { held, heldBytes, starved } = this.#writer;
    return this.#readAhead.allowance(heldBytes, held > 0 && starved);
  }

  /** Room for the entries that come with the claim; held until `taken`. */
  reserve(): { readonly limit: number; readonly maxBytes: number } {
    const maxBytes = Math.max(1, this.allowance);
    this.#reserved = maxBytes;
    this.count();
    return { limit: this.maxHeld, maxBytes };
  }

  /** What came along is with the writer. */
  taken(): void {
    this.#reserved = 0;
    this.count();
  }

  /** Whether a live entry of so many bytes may be held. */
  mayHold(bytes: number): boolean {
    if (this.#writer.held === 0) return true;
    this.count();
    return bytes <= this.allowance;
  }

  /** Whether it is worth reading on. */
  get mayRead(): boolean {
    const { held, heldBytes, starved } = this.#writer;
    if (held === 0) return true;
    if (this.isShort) return false;
    if (starved) return held < this.maxStarved;
    return held <= this.maxHeld / 2 && heldBytes <= this.#readAhead.sessionBytes / 2;
  }

  /** Whether it is worth bringing more of a resource into memory. */
  get mayReadBack(): boolean {
    return this.#writer.held === 0 || !this.isShort;
  }

  /** Less may be read than is worth a read. */
  get isShort(): boolean {
    return this.allowance < this.#readAhead.minReadBytes;
  }

  /** Half of the bytes are taken. */
  get isTight(): boolean {
    const { heldBytes } = this.#writer;
    return heldBytes > this.#readAhead.sessionBytes / 2 || heldBytes > this.allowance;
  }

  /** Where bytes are short, one event of a resource: those behind it only take room. */
  get heldPerResource(): number {
    return this.isTight ? 1 : this.maxPerResource;
  }

  isFull(resourceid: string): boolean {
    return this.#writer.heldOf(resourceid) >= this.heldPerResource;
  }

  /** Updates the share of this session. Answers change it too; they ask for a pump. */
  count(): void {
    const held = this.#isClosed ? 0 : this.#writer.heldBytes + this.#reserved;
    this.#readAhead.changed(held - this.#countedBytes);
    this.#countedBytes = held;
  }

  /** Gives back what it took of the room of all. */
  close(): void {
    this.#isClosed = true;
    this.count();
  }
}
