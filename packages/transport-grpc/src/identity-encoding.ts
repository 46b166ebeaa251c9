import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { experimental, Metadata, status, type ChannelOptions } from "@grpc/grpc-js";
import { HawserError } from "@hawser/protocol";

const ENCODING_HEADER = "grpc-encoding";
const ACCEPT_ENCODING_HEADER = "grpc-accept-encoding";
const IDENTITY = "identity";

/** grpc-js numbers the compressions; this one is none. */
const IDENTITY_ALGORITHM = 0;

/** The first byte of a message as gRPC frames it. */
const COMPRESSED = 1;

/** Headers of an answer that offer no compression (PROTOCOL.md, gRPC), so that clients use none. */
export function identityHeaders(): Metadata {
  const headers = new Metadata();
  headers.set(ACCEPT_ENCODING_HEADER, IDENTITY);
  return headers;
}

/**
 * Refuses a stream that would compress its messages, with the status gRPC defines. A few bytes
 * would inflate to a whole message before they could be counted.
 *
 * @returns whether it was refused
 */
export function refuseCompression(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
  const encoding = headers[ENCODING_HEADER];
  if (encoding === undefined || encoding === IDENTITY) return false;
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": String(status.UNIMPLEMENTED),
      "grpc-message": "Messages must not be compressed; leave grpc-encoding out.",
      [ACCEPT_ENCODING_HEADER]: IDENTITY,
    },
    { endStream: true },
  );
  return true;
}

/** @throws HawserError `invalid_config` for options that compress what is sent */
export function checkNoCompression(options: ChannelOptions): ChannelOptions {
  const algorithm = options["grpc.default_compression_algorithm"] ?? IDENTITY_ALGORITHM;
  if (algorithm === IDENTITY_ALGORITHM) return options;
  throw new HawserError(
    "invalid_config",
    "Messages are not compressed (PROTOCOL.md, gRPC); leave grpc.default_compression_algorithm out of the channelOptions.",
  );
}

/** Offers no compression to the server, and refuses a compressed message. */
class IdentityFilter extends experimental.BaseFilter {
  override async sendMetadata(headers: Promise<Metadata>): Promise<Metadata> {
    const sent = await headers;
    sent.set(ACCEPT_ENCODING_HEADER, IDENTITY);
    return sent;
  }

  override async receiveMessage(framed: Promise<Buffer>): Promise<Buffer> {
    const message = await framed;
    if (message[0] !== COMPRESSED) return message;
    // What a filter throws is the status that grpc-js ends the stream with.
    throw { code: status.INTERNAL, details: "The server compressed a message, which it must not." };
  }
}

/** To stand behind the filter of grpc-js that compresses. */
export function identityFilterFactory(): experimental.FilterFactory<experimental.Filter> {
  return { createFilter: () => new IdentityFilter() };
}
