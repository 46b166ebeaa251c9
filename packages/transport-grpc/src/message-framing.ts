import { CLOSE_CODES, type CloseCode } from "@hawser/protocol";

/** Compressed flag (1 byte) and length (4 bytes, big endian) in front of every gRPC message. */
export const MESSAGE_HEADER_BYTES = 5;

/** The messages one after the other, each behind its header, in one piece of memory. */
export function frameMessages(messages: readonly Uint8Array[], totalBytes: number): Buffer {
  const framed = Buffer.allocUnsafe(totalBytes);
  let offset = 0;
  for (const message of messages) {
    framed.writeUInt8(0, offset);
    framed.writeUInt32BE(message.length, offset + 1);
    framed.set(message, offset + MESSAGE_HEADER_BYTES);
    offset += MESSAGE_HEADER_BYTES + message.length;
  }
  return framed;
}

export type Decoded =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "violation"; readonly code: CloseCode; readonly reason: string };

/** Finds the messages in the bytes of a stream. A message that is too long is refused by its header, before its bytes are kept. */
export class MessageDecoder {
  #maxMessageBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** How many bytes there must be before it is worth looking. */
  #wanted = MESSAGE_HEADER_BYTES;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Another limit, for the messages whose header has not been read yet. */
  limit(maxMessageBytes: number): void {
    this.#maxMessageBytes = maxMessageBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next message, or what is wrong with it; undefined when its bytes are not all there. */
  next(): Decoded | undefined {
    if (this.#bytes < this.#wanted) return undefined;
    const buffer = this.#joined();
    const length = buffer.readUInt32BE(1);
    if (buffer.readUInt8(0) !== 0) {
      return violation(CLOSE_CODES.unsupportedData, "Compressed messages are not supported.");
    }
    if (length > this.#maxMessageBytes) {
      const reason = `A message of ${length} bytes is above the limit of ${this.#maxMessageBytes}.`;
      return violation(CLOSE_CODES.frameTooLarge, reason);
    }
    const end = MESSAGE_HEADER_BYTES + length;
    this.#wanted = end;
    if (this.#bytes < end) return undefined;
    this.#wanted = MESSAGE_HEADER_BYTES;
    this.#bytes -= end;
    this.#chunks = this.#bytes === 0 ? [] : [buffer.subarray(end)];
    return { kind: "message", bytes: buffer.subarray(MESSAGE_HEADER_BYTES, end) };
  }

  /** True when the stream may end here: not in the middle of a message. */
  get isBetweenMessages(): boolean {
    return this.#bytes === 0;
  }

  /** Joins only once enough has come, so that a large message costs one copy. */
  #joined(): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

function violation(code: CloseCode, reason: string): Decoded {
  return { kind: "violation", code, reason };
}
