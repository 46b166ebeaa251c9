import { thrownText } from "@hawser/protocol";
import { fullJitter, pause, printableLine, unixPathProblem, type Runtime } from "@hawser/runtime";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import type { z } from "zod";
import { errorCode } from "../files/system-error.js";
import { batchSchema, infoSchema, problemSchema, type SentItem } from "./answers.js";
import { SEND_EXIT_CODES, SendError } from "./exit-codes.js";

/** Tries of one request whose connection breaks off: more programs than the agent takes at once, or an agent that stops. The same event is accepted once, however often it comes. */
const MAX_TRIES = 6;
/** The waits between them. */
const RETRY = { floorMs: 0, baseMs: 50, factor: 2, capMs: 3_200 } as const;

export interface SocketClientOptions {
  readonly path: string;
  /** How long one request may take, its tries included. */
  readonly timeoutMs: number;
  readonly runtime: Pick<Runtime, "timers" | "random">;
  readonly interrupted: AbortSignal;
}

interface Call {
  readonly method: "GET" | "POST";
  readonly target: string;
  readonly body?: string;
}

/** Speaks with the agent that has a socket, one request after the other. */
export class SocketClient {
  readonly #options: SocketClientOptions;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 1 });

  /** @throws SendError (usage) for a path that no socket can have */
  constructor(options: SocketClientOptions) {
    const problem = unixPathProblem(options.path);
    if (problem !== undefined)
      throw new SendError(SEND_EXIT_CODES.usage, `the socket ${options.path}: the path ${problem}`);
    this.#options = options;
  }

  /** Whose socket it is. */
  async agentName(): Promise<string> {
    return (await this.#call({ method: "GET", target: "/v1/info" }, infoSchema)).name;
  }

  /** Hands events over in this order; each is accepted or refused by itself. What is answered is on disk. */
  async send(events: readonly unknown[]): Promise<readonly SentItem[]> {
    const call = { method: "POST", target: "/v1/events", body: JSON.stringify(events) } as const;
    return (await this.#call(call, batchSchema)).items;
  }

  close(): void {
    this.#connections.destroy();
  }

  async #call<T extends z.ZodType>(call: Call, schema: T): Promise<z.infer<T>> {
    const { timeoutMs, interrupted, runtime } = this.#options;
    const { timers, random } = runtime;
    const over = new AbortController();
    const { signal } = over;
    let isLate = false;
    const timer = timers.after(timeoutMs, () => {
      isLate = true;
      over.abort();
    });
    // Taken away behind each request: the signal lives as long as the command does.
    const interrupt = (): void => over.abort();
    interrupted.addEventListener("abort", interrupt);
    if (interrupted.aborted) interrupt();
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await this.#try(call, schema, signal);
        } catch (thrown) {
          if (thrown instanceof SendError) throw thrown;
          const isBroken = isBrokenOff(thrown) && attempt < MAX_TRIES && !signal.aborted;
          if (!isBroken) throw this.#unreachable(thrown, isLate, attempt > 1 || isBrokenOff(thrown));
          await pause(timers, fullJitter(random, RETRY, attempt), signal);
        }
      }
    } finally {
      timer.cancel();
      interrupted.removeEventListener("abort", interrupt);
    }
  }

  async #try<T extends z.ZodType>(
    { method, target, body }: Call,
    schema: T,
    signal: AbortSignal,
  ): Promise<z.infer<T>> {
    const { status, content } = await new Promise<{ readonly status: number; readonly content: string }>(
      (resolve, reject) => {
        const headers =
          body === undefined
            ? {}
            : {
                "content-type": "application/cloudevents-batch+json",
                "content-length": String(Buffer.byteLength(body)),
              };
        const sent = request(
          { socketPath: this.#options.path, method, path: target, headers, agent: this.#connections },
          (incoming) => {
            text(incoming).then(
              (answer) => resolve({ status: incoming.statusCode ?? 0, content: answer }),
              reject,
            );
          },
        );
        // Not by the option of that name: its listener would stay on a connection that is kept.
        const giveUp = (): void => {
          reject(new Error("given up"));
          sent.destroy();
        };
        signal.addEventListener("abort", giveUp);
        sent.on("close", () => signal.removeEventListener("abort", giveUp));
        if (signal.aborted) giveUp();
        sent.on("error", reject);
        sent.end(body);
      },
    );
    const answer = parsed(content);
    const good = status < 300 ? schema.safeParse(answer) : undefined;
    if (good?.success === true) return good.data;
    const { data: problem } = problemSchema.safeParse(answer);
    if (status < 300 || problem === undefined)
      throw new SendError(
        SEND_EXIT_CODES.failed,
        `whoever listens at ${this.#options.path} does not answer like a Hawser agent (status ${status}); is it the socket of an agent of this version?`,
      );
    const { code, detail } = problem;
    throw new SendError(SEND_EXIT_CODES.failed, printableLine(`${code}: ${detail}`), { code });
  }

  #unreachable(thrown: unknown, isLate: boolean, mayBeAccepted: boolean): SendError {
    const { path, timeoutMs, interrupted } = this.#options;
    const after = mayBeAccepted
      ? "; what was sent may have been accepted: send it again with the same id and source, and it is accepted once"
      : "";
    if (interrupted.aborted) return new SendError(SEND_EXIT_CODES.interrupted, `interrupted${after}`);
    const why = isLate
      ? `the agent at ${path} did not answer within ${timeoutMs} ms`
      : reasonOf(thrown, path);
    return new SendError(SEND_EXIT_CODES.unreachable, why + after, { cause: thrown });
  }
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** The connection was there and went, before the answer. */
function isBrokenOff(thrown: unknown): boolean {
  const code = errorCode(thrown);
  return code === "ECONNRESET" || code === "EPIPE" || code === "ECONNABORTED";
}

function reasonOf(thrown: unknown, path: string): string {
  switch (errorCode(thrown)) {
    case "ENOENT":
      return `no agent runs there: there is no socket ${path}; start the agent, or name its directory with --data-dir or its socket with --socket`;
    case "ECONNREFUSED":
      return `no agent runs there: the one that made ${path} has ended; start it again`;
    case "EACCES":
    case "EPERM":
      return `this user may not use ${path}; send as the user of the agent, or give its group the socket with --socket-mode 0660`;
    default:
      return `the agent at ${path} cannot be asked: ${thrownText(thrown)}`;
  }
}
