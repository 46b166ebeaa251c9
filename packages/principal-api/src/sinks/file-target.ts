import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import { makeDirectories } from "@hawser/runtime";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import type { FileTarget } from "./sink-definition.js";
import { jsonMembers, sinkEvent } from "./sink-event.js";
import type { SinkAnswer, SinkTarget } from "./sink-target.js";

/** Events that are written, and synced, at once. */
const MAX_LINES_AT_ONCE = 256;
const TAIL_BYTES = 65_536;
const NEWLINE = 0x0a;

/**
 * Writes events into a file, one JSON object a line (CloudEvents JSON format 1.0.2), synced before they count as delivered. A file that has reached its size becomes `<path>.1`, the one
 * before `<path>.2` and so on; the one beyond `maxFiles` goes.
 */
export function createFileTarget(path: string, { maxBytes, maxFiles }: FileTarget): SinkTarget {
  let file: { readonly handle: FileHandle; bytes: number } | undefined;

  async function write(batch: readonly RecordedEvent[]): Promise<void> {
    const text = batch.map((recorded) => `${JSON.stringify(jsonMembers(sinkEvent(recorded)))}\n`).join("");
    if (file !== undefined && file.bytes >= maxBytes) await rotate();
    file ??= await openFile(path);
    const bytes = Buffer.from(text);
    await writeAll(file.handle, bytes);
    await file.handle.datasync();
    file.bytes += bytes.length;
  }

  async function rotate(): Promise<void> {
    await shut();
    await rm(`${path}.${maxFiles - 1}`, { force: true });
    for (let number = maxFiles - 2; number >= 1; number -= 1)
      await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    if (maxFiles > 1) await renameIfThere(path, `${path}.1`);
    else await rm(path, { force: true });
  }

  async function shut(): Promise<void> {
    const { handle } = file ?? {};
    file = undefined;
    await handle?.close();
  }

  return {
    maxBatch: MAX_LINES_AT_ONCE,
    concurrency: 1,
    async deliver(batch): Promise<SinkAnswer> {
      try {
        await write(batch);
        return { kind: "delivered" };
      } catch (thrown) {
        // What was half written is cut off when the file is opened again.
        await shut().catch(() => {});
        return { kind: "failed", message: `${path}: ${HawserError.from(thrown).message}`, isOfEvent: false };
      }
    },
    close: () => shut().catch(() => {}),
  };
}

async function openFile(path: string): Promise<{ readonly handle: FileHandle; bytes: number }> {
  await makeDirectories(dirname(path), 0o700);
  const handle = await open(path, "a+", 0o600);
  try {
    const { size } = await handle.stat();
    const bytes = await endOfLines(handle, size);
    // A line that a crash left unfinished was never told to be delivered: it comes again.
    if (bytes < size) await handle.truncate(bytes);
    return { handle, bytes };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/** Where the last whole line ends. */
async function endOfLines(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - TAIL_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - start, start);
    const last = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done);
    done += bytesWritten;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  const isThere = await stat(from).then(
    () => true,
    () => false,
  );
  if (isThere) await rename(from, to);
}
