import { request as requestPlain, type Agent, type IncomingMessage } from "node:http";
import { request as requestSecured } from "node:https";
import { defined } from "@hawser/runtime";
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
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, headers };
    const answered = (incoming: IncomingMessage): void => {
      try {
        resolve(new Answer(incoming, signal));
      } catch (cause) {
        // What throws in an event would end the process with a trace of its own.
        incoming.destroy();
        reject(new Error("the answer makes no sense", { cause }));
      }
    };
    // A way through a proxy speaks TLS by itself.
    const sent =
      agent === undefined && target.protocol === "https:"
        ? requestSecured(target, { ...options, checkServerIdentity, ...defined({ ca }) }, answered)
        : requestPlain(target, { ...options, ...defined({ agent }) }, answered);
    // Not by the option of that name: it would destroy the connection with an error that nobody listens for, where the answer has just come to its end.
    const giveUp = (): void => void sent.destroy();
    signal.addEventListener("abort", giveUp);
    sent.on("close", () => signal.removeEventListener("abort", giveUp));
    if (signal.aborted) giveUp();
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

/** What a server answered. Its body is read once, or given up: until then its connection stays open. `Response` of the platform would take as long to load as the whole request does. */
export class Answer {
  readonly status: number;
  readonly #incoming: IncomingMessage;
  readonly #signal: AbortSignal;

  /** @throws Error for a status that is none of an answer */
  constructor(incoming: IncomingMessage, signal: AbortSignal) {
    this.status = incoming.statusCode ?? 0;
    if (this.status < 200 || this.status > 599)
      throw new Error(`it answered with the status ${this.status}, as no Hawser principal does`);
    this.#incoming = incoming;
    this.#signal = signal;
    // Whoever reads hears of it as it reads on; between two pieces nobody listens, and the process would end.
    incoming.on("error", () => {});
    if (STATUSES_WITHOUT_BODY.includes(this.status)) incoming.resume();
  }

  get ok(): boolean {
    return this.status < 300;
  }

  /** @param name in lower case. Several of one name are joined by commas. */
  header(name: string): string | undefined {
    return this.#incoming.headersDistinct[name]?.join(", ");
  }

  /** The body as it comes. Rejects with the signal's reason, or with the error of the connection. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.#incoming) yield chunk as Uint8Array;
    } catch (thrown) {
      throw this.#signal.aborted ? this.#signal.reason : thrown;
    }
  }

  /** The whole body, as UTF-8. Rejects as `chunks` does. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of this.chunks()) text += decoder.decode(chunk, { stream: true });
    return text + decoder.decode();
  }

  /** Closes its connection, if there is something to come that nobody will read. */
  abandon(): void {
    if (!STATUSES_WITHOUT_BODY.includes(this.status)) this.#incoming.destroy();
  }
}
