import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import * as http from "node:http";
import * as https from "node:https";
import { isIP } from "node:net";
import { HawserError, parseRetryAfter, thrownText } from "@hawser/protocol";
import { isLocalAddress } from "./local-address.js";

/** Of an answer's body, what is read to know that it is whole; of a longer one the rest is left. */
const MAX_ANSWER_BYTES = 65_536;
/** A receiver that nothing is sent to for this long is connected to anew. */
const IDLE_MS = 30_000;

/** What is sent. */
export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What the receiver answered. */
export interface WebhookAnswer {
  readonly status: number;
  /** Milliseconds from now, as `Retry-After` says. */
  readonly retryAfterMs: number | undefined;
}

export interface WebhookClientOptions {
  readonly url: string;
  /** Connections at once. */
  readonly connections: number;
  /** Loopback and link-local addresses may be called. */
  readonly allowLocal: boolean;
  /** Unix milliseconds, for a `Retry-After` that is a date. */
  readonly wallTime: () => number;
}

/** Calls one address over connections that are kept. Every address that a name stands for is looked at in the moment it is connected to, so that no name server can change its mind in between. */
export class WebhookClient {
  readonly #options: WebhookClientOptions;
  readonly #url: URL;
  readonly #agent: http.Agent;

  constructor(options: WebhookClientOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const { Agent } = this.#url.protocol === "https:" ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections, timeout: IDLE_MS });
  }

  /** @throws HawserError `forbidden` for an address that may not be called, `invalid_event` for what no header can hold, `connection_failed`, `connection_closed` for an answer that broke off, `timeout` once `signal` is aborted */
  async post({ headers, body }: WebhookRequest, signal: AbortSignal): Promise<WebhookAnswer> {
    const { hostname, protocol } = this.#url;
    const host = hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && !this.#options.allowLocal && isLocalAddress(host)) throw forbidden(host, host);
    const send = protocol === "https:" ? https.request : http.request;
    const length = String(Buffer.byteLength(body));
    return new Promise((resolve, reject) => {
      const request = this.#begin(send, { ...headers, "content-length": length });
      // Not by the option `signal`: it would destroy a connection with an error that nobody listens for, where the answer has just come to its end.
      const giveUp = (): void => {
        reject(failure(undefined, signal));
        request.destroy();
      };
      signal.addEventListener("abort", giveUp);
      request.on("error", (thrown) => reject(failure(thrown, signal)));
      let isAnswered = false;
      request.on("response", (response) => {
        isAnswered = true;
        this.#read(response, signal, resolve, reject);
      });
      // Without a listener an answer 101 would close the connection without a word.
      request.on("upgrade", (_response, socket) => {
        socket.destroy();
        reject(new HawserError("connection_closed", "it answered 101, as if it were asked to upgrade"));
      });
      request.on("close", () => {
        signal.removeEventListener("abort", giveUp);
        if (!isAnswered)
          reject(new HawserError("connection_closed", "the connection ended before the answer"));
      });
      if (signal.aborted) giveUp();
      else request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @throws HawserError `invalid_event` for what no header can hold */
  #begin(send: typeof http.request, headers: Record<string, string>): http.ClientRequest {
    try {
      return send(this.#url, {
        method: "POST",
        agent: this.#agent,
        headers,
        ...(this.#options.allowLocal ? {} : { lookup: lookupForeign }),
      });
    } catch (cause) {
      throw new HawserError("invalid_event", `it cannot be sent: ${thrownText(cause)}`, { cause });
    }
  }

  #read(
    response: http.IncomingMessage,
    signal: AbortSignal,
    resolve: (answer: WebhookAnswer) => void,
    reject: (error: HawserError) => void,
  ): void {
    const { statusCode: status = 0, headers } = response;
    const { "retry-after": retryAfter } = headers;
    const answer = { status, retryAfterMs: parseRetryAfter(retryAfter, this.#options.wallTime()) };
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_ANSWER_BYTES) return;
      resolve(answer);
      response.destroy();
    });
    response.on("end", () => resolve(answer));
    const brokeOff = (cause?: unknown): void => {
      const message = `the answer ${status} broke off before its end`;
      reject(
        signal.aborted ? failure(cause, signal) : new HawserError("connection_closed", message, { cause }),
      );
    };
    response.on("error", brokeOff);
    response.on("close", () => brokeOff());
  }
}

function failure(thrown: unknown, signal: AbortSignal): HawserError {
  if (thrown instanceof HawserError) return thrown;
  if (signal.aborted)
    return new HawserError("timeout", "the receiver did not answer in time", { cause: thrown });
  return new HawserError("connection_failed", thrownText(thrown), { cause: thrown });
}

function forbidden(host: string, address: string): HawserError {
  const what = host === address ? address : `${host} is ${address}, which`;
  return new HawserError(
    "forbidden",
    `${what} is an address of this machine or its link; sinks may not call it unless they are allowed to (--sinks-allow-local)`,
  );
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** As `dns.lookup`, and fails where any address of the name is a local one. */
function lookupForeign(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(hostname, options, (error, found, family) => {
    if (error !== null) return callback(error, [], undefined);
    const addresses = typeof found === "string" ? [found] : found.map(({ address }) => address);
    const local = addresses.find(isLocalAddress);
    if (local !== undefined) return callback(forbidden(hostname, local), [], undefined);
    callback(null, found, family);
  });
}
