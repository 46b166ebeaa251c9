import { request as requestPlain, type Agent, type IncomingMessage } from "node:http";
import { request as requestSecured } from "node:https";
import { Readable } from "node:stream";
import { checkServerIdentity } from "@hawser/transport";

export interface RequestOptions {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** PEM authorities that are trusted instead of the well-known ones. */
  readonly ca?: string | undefined;
  /** The way through a proxy; absent: directly. */
  readonly agent?: Agent | undefined;
  readonly signal: AbortSignal;
}

/**
 * One HTTP request as `fetch` would make it, to a server whose certificate an authority of its own may have signed, which `fetch` cannot be told. It follows no redirect: a token goes where it
 * was meant to go.
 *
 * Rejects with the signal's reason, or with an error whose `cause` is the one of the connection or of the answer.
 */
export function request(
  target: URL,
  { method, headers, body, ca, agent, signal }: RequestOptions,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal };
    const answered = (incoming: IncomingMessage): void => {
      try {
        resolve(responseOf(incoming));
      } catch (cause) {
        // What throws in an event would end the process with a trace of its own.
        incoming.destroy();
        reject(new Error("the answer makes no sense", { cause }));
      }
    };
    // A way through a proxy speaks TLS by itself.
    const sent =
      agent === undefined && target.protocol === "https:"
        ? requestSecured(
            target,
            { ...options, checkServerIdentity, ...(ca === undefined ? {} : { ca }) },
            answered,
          )
        : requestPlain(target, { ...options, ...(agent === undefined ? {} : { agent }) }, answered);
    // Without a listener the connection would be closed, and this never settle.
    sent.on("upgrade", (incoming, socket) => {
      socket.destroy();
      answered(incoming);
    });
    sent.on("error", (cause) => {
      reject(signal.aborted ? signal.reason : new Error("the request failed", { cause }));
    });
    sent.end(body);
  });
}

const STATUSES_WITHOUT_BODY: readonly number[] = [204, 205, 304];

function responseOf(incoming: IncomingMessage): Response {
  const { statusCode: status = 0, headersDistinct } = incoming;
  if (status < 200 || status > 599)
    throw new Error(`it answered with the status ${status}, as no Hawser principal does`);
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  if (!STATUSES_WITHOUT_BODY.includes(status)) return new Response(streamOf(incoming), { status, headers });
  incoming.resume();
  return new Response(null, { status, headers });
}

// Node's own type of web streams is not the one `Response` is declared with; at run time they are the same.
function streamOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
}
