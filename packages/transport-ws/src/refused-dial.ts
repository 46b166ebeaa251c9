import type { IncomingMessage } from "node:http";
import { HawserError, overloaded } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { refusalText, retryAfterIn } from "@hawser/transport";
import { SLOT_HEADER } from "./http-refusal.js";

const FOREIGN =
  "something between here and the principal answered (a proxy, a gateway, a login page); look at what is in front of it";

/** Most bytes of a refusal's body in an error message. */
const MAX_EXCERPT_BYTES = 512;

/** The error for an HTTP answer to the upgrade request (PROTOCOL.md, WebSocket). */
export async function refusedDial(
  url: string,
  response: IncomingMessage,
  clock: Clock,
): Promise<HawserError> {
  const status = response.statusCode ?? 0;
  const excerpt = await readExcerpt(response);
  const message =
    `${url} answered ${status} ${response.statusMessage ?? ""}`.trimEnd() +
    (isForeign(response) ? `; ${FOREIGN}` : "") +
    (excerpt && `: ${excerpt}`);
  if (isApi(response))
    return new HawserError(
      "connection_failed",
      `${url} is the HTTP API of a principal, which answered ${status}; agents connect to its other port, which 'principal ready' names as \`listen\``,
    );
  switch (status) {
    case 401:
      return new HawserError("unauthenticated", message);
    case 403:
      return new HawserError("forbidden", message);
    case 429:
    case 503: {
      const { headers } = response;
      const times = { slotMs: headers[SLOT_HEADER], retryAfter: headers["retry-after"] };
      const asked = retryAfterIn(times, clock.wallTime());
      return asked === undefined ? new HawserError("connection_failed", message) : overloaded(message, asked);
    }
    default:
      return new HawserError("connection_failed", message);
  }
}

/** The agents' port answers in plain JSON; only the HTTP API sends RFC 9457 problems. */
function isApi({ headers }: IncomingMessage): boolean {
  return /^application\/problem\+json\b/i.test(headers["content-type"] ?? "");
}

/** A principal never redirects and never speaks HTML. */
function isForeign({ statusCode = 0, headers }: IncomingMessage): boolean {
  const isRedirect = statusCode >= 300 && statusCode < 400;
  return isRedirect || /^text\/html\b/i.test(headers["content-type"] ?? "");
}

async function readExcerpt(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) break;
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_EXCERPT_BYTES) break;
    }
  } catch {
    // The status decides; a body that breaks off adds nothing.
  }
  return refusalText(Buffer.concat(chunks).toString("utf8", 0, MAX_EXCERPT_BYTES));
}
