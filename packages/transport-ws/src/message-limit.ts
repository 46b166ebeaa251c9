import { CLOSE_CODES, type CloseCode } from "@hawser/protocol";

/** A frame's header has at most 2 bytes, 8 of length and 4 of mask (RFC 6455, section 5.2). */
const SHORT_HEADER_BYTES = 2;
const MASK_BYTES = 4;
/** Opcodes from here on are control frames, which may come between the pieces of a message. */
const FIRST_CONTROL_OPCODE = 0x8;

/**
 * Chunks a message may arrive in: the largest hello in the smallest TCP segments takes about 32.
 */
const MAX_CHUNKS = 256;

/**
 * Reads the frame headers of a client, and reports a message above the limit when it is announced,
 * before its bytes come. `ws` has one limit for the whole connection; this is the smaller one until
 * the peer is authenticated.
 */
export class MessageLimit {
  readonly #maxMessageBytes: number;
  /** Of the header that is being read. */
  #header: number[] = [];
  /** Bytes of payload until the next header. */
  #payloadLeft = 0;
  /** Announced so far for the message under way. */
  #messageBytes = 0;
  /** Reads since the last piece of a message was announced. */
  #chunks = 0;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Reads the next chunk; answers the close code of a violation, which is final. */
  violationIn(chunk: Buffer): CloseCode | undefined {
    this.#chunks += 1;
    let at = 0;
    while (at < chunk.length) {
      const skipped = Math.min(this.#payloadLeft, chunk.length - at);
      this.#payloadLeft -= skipped;
      at += skipped;
      const byte = chunk[at];
      if (byte === undefined) break;
      this.#header.push(byte);
      at += 1;
      if (!this.#headerRead()) return CLOSE_CODES.frameTooLarge;
    }
    return this.#chunks > MAX_CHUNKS ? CLOSE_CODES.policyViolation : undefined;
  }

  /** False where the header is complete and announces too much. */
  #headerRead(): boolean {
    const [first = 0, second = 0] = this.#header;
    const lengthBytes = extendedLengthBytes(second & 0x7f);
    const maskBytes = (second & 0x80) === 0 ? 0 : MASK_BYTES;
    if (this.#header.length < SHORT_HEADER_BYTES + lengthBytes + maskBytes) return true;
    const extended = this.#header.slice(SHORT_HEADER_BYTES, SHORT_HEADER_BYTES + lengthBytes);
    // Beyond 2^53 it is no longer exact, and far above any limit.
    const length = lengthBytes === 0 ? second & 0x7f : extended.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#header = [];
    this.#payloadLeft = length;
    if ((first & 0xf) >= FIRST_CONTROL_OPCODE) return true;
    this.#messageBytes += length;
    if (this.#messageBytes > this.#maxMessageBytes) return false;
    const isLastOfMessage = (first & 0x80) !== 0;
    if (isLastOfMessage) {
      this.#messageBytes = 0;
      this.#chunks = 0;
    }
    return true;
  }
}

function extendedLengthBytes(shortLength: number): number {
  if (shortLength === 126) return 2;
  return shortLength === 127 ? 8 : 0;
}
