import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_BODY_BYTES } from "@hawser/http-binding";
import { parseEvents } from "@hawser/service/send";
import { HawserError } from "@hawser/protocol";

/** Room that a batch leaves for its brackets and commas. */
const BATCH_FRAME_BYTES = 2 + MAX_BATCH_EVENTS;

/**
 * The events in a text as it comes, in batches that one request takes: JSON Lines are handed on as they arrive, a document (one event or a list) once it is whole. The first line decides: an object that
 * is complete in it is the first of lines. Memory is bounded by the longest document, 4 MiB, or line, 1 MiB.
 *
 * @param place what the text is read from, for messages
 * @throws HawserError `invalid_event` naming the line that is no event's JSON, or `event_too_large`; what came before it has been handed on
 */
export async function* eventsIn(
  chunks: AsyncIterable<string>,
  place: string,
): AsyncGenerator<readonly unknown[]> {
  const lines = new Lines(place);
  for await (const chunk of chunks) yield* lines.add(chunk);
  yield* lines.end();
}

type Shape = "unknown" | "lines" | "document";

class Lines {
  readonly #place: string;
  #shape: Shape = "unknown";
  #rest = "";
  #number = 0;

  constructor(place: string) {
    this.#place = place;
  }

  *add(chunk: string): Generator<readonly unknown[]> {
    this.#rest += chunk;
    if (this.#shape === "document") return this.#checkRoom(MAX_BATCH_BYTES, "a document");
    const pieces = this.#rest.split("\n");
    const last = pieces.pop() ?? "";
    if (this.#shape === "unknown") this.#decide(pieces);
    if (this.#shape !== "lines") return this.#checkRoom(MAX_BATCH_BYTES, "a document");
    this.#rest = last;
    yield* this.#batches(pieces);
    this.#checkRoom(MAX_BODY_BYTES, `line ${this.#number + 1}`);
  }

  *end(): Generator<readonly unknown[]> {
    if (this.#shape === "lines") {
      yield* this.#batches([this.#rest]);
      return;
    }
    const found = parseEvents(this.#rest, this.#place);
    yield* inBatches(Array.isArray(found) ? found : [found]);
  }

  /** By the first line with something in it. */
  #decide(pieces: readonly string[]): void {
    const first = pieces.find((piece) => piece.trim() !== "");
    if (first !== undefined) this.#shape = isWholeObject(first) ? "lines" : "document";
  }

  *#batches(pieces: readonly string[]): Generator<readonly unknown[]> {
    const events: unknown[] = [];
    for (const piece of pieces) {
      this.#number += 1;
      if (piece.trim() === "") continue;
      try {
        events.push(parseEvents(piece, `${this.#place}, line ${this.#number}`));
      } catch (thrown) {
        yield* inBatches(events);
        throw thrown;
      }
    }
    yield* inBatches(events);
  }

  #checkRoom(maxBytes: number, what: string): void {
    if (this.#rest.length <= maxBytes) return;
    throw new HawserError(
      "event_too_large",
      `${this.#place}: ${what} has more than ${maxBytes} characters; send an event a line (JSON Lines)`,
    );
  }
}

function isWholeObject(line: string): boolean {
  try {
    const value = parseEvents(line, "");
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function* inBatches(events: readonly unknown[]): Generator<readonly unknown[]> {
  let batch: unknown[] = [];
  let bytes = BATCH_FRAME_BYTES;
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event));
    if (batch.length > 0 && (batch.length >= MAX_BATCH_EVENTS || bytes + size > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = BATCH_FRAME_BYTES;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
