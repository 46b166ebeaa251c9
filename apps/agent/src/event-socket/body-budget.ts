import { HttpError } from "@hawser/http-binding";
import { HawserError } from "@hawser/protocol";

/** Bytes of bodies that are being read and answered, of all programs together: four of the largest batches. */
const MAX_BODIES_BYTES = 16_777_216;

/** What a body may be, and what it is read from: a request of Node. */
export interface BodyToRead {
  readonly body: AsyncIterable<unknown>;
  /** As the client says; 0 when it does not. */
  readonly contentLength: number;
  readonly maxBytes: number;
}

/**
 * Reads bodies as long as all of them together stay within a budget, whoever sends them and however slowly. A body that does not fit is refused at once and may come again; it never waits, because what it
 * would wait for may be waiting for its own client.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  #taken = 0;

  constructor(maxBytes: number = MAX_BODIES_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Hands the whole body over, and counts it until that has settled.
   *
   * @throws HawserError 413 `event_too_large`; `overloaded` when there is no room now; `connection_closed` when the client broke off
   */
  async read<T>(
    { body, contentLength, maxBytes }: BodyToRead,
    use: (body: Uint8Array) => Promise<T>,
  ): Promise<T> {
    if (contentLength > maxBytes) throw tooLarge(maxBytes);
    let taken = 0;
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of untilBroken(body)) {
        if (taken + chunk.byteLength > maxBytes) throw tooLarge(maxBytes);
        this.#take(chunk.byteLength);
        taken += chunk.byteLength;
        chunks.push(chunk);
      }
      return await use(Buffer.concat(chunks, taken));
    } finally {
      this.#taken -= taken;
    }
  }

  #take(bytes: number): void {
    if (this.#taken + bytes > this.#maxBytes) {
      throw new HawserError(
        "overloaded",
        `programs on this machine are sending ${this.#maxBytes} bytes of events at this moment, and no more are taken at once; send it again`,
      );
    }
    this.#taken += bytes;
  }
}

async function* untilBroken(body: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk;
  } catch (cause) {
    throw new HawserError("connection_closed", "the request ended before its body did", { cause });
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, "event_too_large", `the request body is larger than ${maxBytes} bytes`);
}
