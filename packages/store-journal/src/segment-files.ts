import { close, constants, fdatasync, fsync, open, write } from "node:fs";
import { open as openFile, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { HawserError } from "@hawser/protocol";
import { makeDirectories } from "@hawser/runtime";

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const syncDescriptor = promisify(fsync);
const syncData = promisify(fdatasync);

/** In front of each segment: "HWJS". */
const SEGMENT_MAGIC = 0x534a5748;
/** Changes when records are written in a way an older version of this package would misread. */
const FORMAT = 1;
/** Magic, format, number, checksum of these. */
export const SEGMENT_HEADER_BYTES = 16;
const NAME = /^(\d{10})\.seg$/;
const DIGITS = 10;
/** Absent where the system has no such thing; then each write is synced by a call of its own. */
const O_DSYNC: number | undefined = process.platform === "linux" ? constants.O_DSYNC : undefined;

function nameOf(segment: number): string {
  return `${String(segment).padStart(DIGITS, "0")}.seg`;
}

function headerOf(segment: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeUInt32LE(SEGMENT_MAGIC, 0);
  header.writeUInt32LE(FORMAT, 4);
  header.writeUInt32LE(segment, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** The directory with the segments of a journal. */
export class SegmentFiles {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async prepare(): Promise<void> {
    await makeDirectories(this.directory, 0o700);
  }

  path(segment: number): string {
    return join(this.directory, nameOf(segment));
  }

  /** Sizes of the segments that there are, in order of their numbers. */
  async list(): Promise<Map<number, number>> {
    const numbers = (await readdir(this.directory)).flatMap((name) => {
      const found = NAME.exec(name)?.[1];
      return found === undefined ? [] : [Number(found)];
    });
    const sizes = new Map<number, number>();
    for (const segment of numbers.toSorted((a, b) => a - b))
      sizes.set(segment, (await stat(this.path(segment))).size);
    return sizes;
  }

  /** A whole segment; undefined where it ends within its header, as its creation was cut short. */
  async read(segment: number): Promise<Buffer | undefined> {
    const bytes = await readFile(this.path(segment));
    if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
    if (!bytes.subarray(0, SEGMENT_HEADER_BYTES).equals(headerOf(segment)))
      throw this.damaged(segment, 0, "does not begin as a segment of this version does");
    return bytes;
  }

  /** Creates a segment, also where that was cut short before. Its name is on disk once resolved. */
  async create(segment: number): Promise<SegmentFile> {
    const file = await this.#open(segment, constants.O_CREAT | constants.O_TRUNC);
    await file.write(headerOf(segment), 0, true);
    await this.#syncNames();
    return file;
  }

  async #syncNames(): Promise<void> {
    // Windows opens no directory, and writes names with the files.
    if (process.platform === "win32") return;
    const directory = await openDescriptor(this.directory, constants.O_RDONLY);
    try {
      await syncDescriptor(directory);
    } finally {
      await closeDescriptor(directory);
    }
  }

  /**
   * Opens the last segment at `size`. The rest is cut off, and the bytes before are written again,
   * as they may never have been synced.
   */
  async resume(segment: number, bytes: Buffer, size: number): Promise<SegmentFile> {
    if (bytes.length > size) await truncate(this.path(segment), size);
    const file = await this.#open(segment, 0);
    const from = Math.max(0, size - REWRITTEN_BYTES);
    await file.write(bytes.subarray(from, size), from, true);
    return file;
  }

  async #open(segment: number, flags: number): Promise<SegmentFile> {
    const path = this.path(segment);
    const plain = await openDescriptor(path, constants.O_WRONLY | flags, 0o600);
    try {
      const synced = O_DSYNC === undefined ? plain : await openDescriptor(path, constants.O_WRONLY | O_DSYNC);
      return new SegmentFile(plain, synced);
    } catch (thrown) {
      await closeDescriptor(plain);
      throw thrown;
    }
  }

  async remove(segment: number): Promise<void> {
    await rm(this.path(segment), { force: true });
  }

  /** Runs `use` on a segment that is open for reading. */
  async reading<T>(segment: number, use: (read: ReadAt) => Promise<T>): Promise<T> {
    const file = await openFile(this.path(segment), "r");
    try {
      return await use(async (offset, length) => {
        const bytes = Buffer.allocUnsafe(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      });
    } finally {
      await file.close();
    }
  }

  /** @param what of a segment at an offset is wrong */
  damaged(segment: number, offset: number, what: string): HawserError {
    return new HawserError(
      "store_corrupt",
      `${this.path(segment)} ${what} (at byte ${offset}); move the store away and start with an empty one, then apply the manifests again (or put a backup there and run hawser adopt on it)`,
    );
  }
}

/** At least as much as one commit and what was written without sync before it. */
const REWRITTEN_BYTES = 8 * 1024 * 1024;

/** Reads up to `length` bytes; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

/** The segment that is written to. */
export class SegmentFile {
  readonly #plain: number;
  readonly #synced: number;
  #closed: Promise<void> | undefined;

  constructor(plain: number, synced: number) {
    this.#plain = plain;
    this.#synced = synced;
  }

  /** Writes all of `bytes`. `sync`: they are on disk once resolved. */
  async write(bytes: Buffer, position: number, sync: boolean): Promise<void> {
    const descriptor = sync ? this.#synced : this.#plain;
    for (let written = 0; written < bytes.length; )
      written += await writeSome(descriptor, bytes, written, position + written);
    if (sync && this.#synced === this.#plain) await syncData(this.#plain);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await closeDescriptor(this.#plain);
    if (this.#synced !== this.#plain) await closeDescriptor(this.#synced);
  }
}

function writeSome(descriptor: number, bytes: Buffer, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(descriptor, bytes, from, bytes.length - from, position, (err, written) =>
      err === null ? resolve(written) : reject(err),
    ),
  );
}
