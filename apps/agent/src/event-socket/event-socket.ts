import { HawserError } from "@hawser/protocol";
import { problemResponse, type ProblemContext } from "@hawser/http-binding";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { AcceptFailures, bindUnixSocket, type UnixSocketPlace } from "@hawser/transport";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { EventIntake } from "./event-intake.js";

/** Connections of programs held at once; a further one is closed without an answer, and `hawser-agent send` tries again. */
const MAX_PROGRAM_CONNECTIONS = 64;

/** How long a program may be silent. Each ends its own connection, by what Node answers: 408. */
export interface ProgramDeadlines {
  /** From the connection to the end of the headers of a request. */
  readonly headersMs: number;
  /** From its beginning to the end of its body. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly idleMs: number;
  /** Nothing moves while an answer is to be read. */
  readonly readingMs: number;
}

const DEFAULT_PROGRAM_DEADLINES: ProgramDeadlines = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 5_000,
  readingMs: 60_000,
};

/** How often the deadlines are held against the connections, in milliseconds. */
const CHECK_INTERVAL_MS = 1_000;
/** What a stop leaves to requests that are under way: a body on its way, and a commit. */
const STOP_GRACE_MS = 500;

export interface EventSocketOptions {
  readonly place: UnixSocketPlace;
  readonly intake: EventIntake;
  readonly runtime: Runtime;
  /** @default DEFAULT_PROGRAM_DEADLINES */
  readonly deadlines?: ProgramDeadlines;
  /** @default MAX_PROGRAM_CONNECTIONS (64) */
  readonly maxConnections?: number;
}

/**
 * The Unix socket at which programs on the agent's machine hand it events. Whatever a program sends, leaves out or breaks off ends its own connection at most; who may connect is decided by the mode of
 * the file.
 */
export class EventSocket implements Lifecycle {
  readonly #options: EventSocketOptions;
  #server: Server | undefined;
  /** Connections with a request that is not answered. */
  readonly #busy = new WeakSet<Socket>();

  constructor(options: EventSocketOptions) {
    this.#options = options;
  }

  /** @throws HawserError `port_in_use` where a living process has the socket, `address_unavailable` where it cannot be made */
  async start(): Promise<void> {
    const { place, runtime, maxConnections = MAX_PROGRAM_CONNECTIONS } = this.#options;
    if (this.#server !== undefined)
      throw new HawserError(
        "invalid_state",
        "this event socket has been started already; stop it before you start it again",
      );
    const server = this.#create();
    server.maxConnections = maxConnections;
    server.on("request", (incoming, outgoing) => {
      if (this.#begins(incoming.socket, outgoing)) void this.#serve(incoming, outgoing);
    });
    await bindUnixSocket(server, place);
    const failures = new AcceptFailures(runtime);
    server.on("error", (err) => failures.tell({ err }, `a connection to ${place.path} cannot be accepted`));
    this.#server = server;
  }

  /** Takes the socket away; what is under way is answered, or cut off after half a second. */
  stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const grace = this.#options.runtime.timers.after(STOP_GRACE_MS, () => server.closeAllConnections());
      server.close(() => {
        grace.cancel();
        resolve();
      });
      server.closeIdleConnections();
    });
  }

  #create(): Server {
    const { headersMs, requestMs, idleMs, readingMs } = this.#options.deadlines ?? DEFAULT_PROGRAM_DEADLINES;
    const server = createServer({
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersMs, requestMs),
    });
    server.timeout = readingMs;
    return server;
  }

  /** False for a request before the answer to the one before it: so many would be read at once that neither their order nor their number could be held, so the connection ends. */
  #begins(socket: Socket, outgoing: ServerResponse): boolean {
    if (this.#busy.has(socket)) {
      socket.destroy();
      return false;
    }
    this.#busy.add(socket);
    outgoing.once("close", () => this.#busy.delete(socket));
    return true;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { logger, random } = this.#options.runtime;
    // A connection that breaks has nobody left to tell.
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    const context: ProblemContext = { logger, requestId: random.uuid(), speaker: "agent" };
    try {
      const answer = await this.#answer(incoming, context);
      // What is left of a body that nobody reads would be taken for the next request.
      if (!incoming.complete || this.#server === undefined) outgoing.setHeader("connection", "close");
      for (const [name, value] of answer.headers) outgoing.setHeader(name, value);
      outgoing.statusCode = answer.status;
      outgoing.end(await answer.text());
    } catch (err) {
      outgoing.destroy();
      logger.error({ err }, "the answer to a program's request threw");
    }
  }

  async #answer(incoming: IncomingMessage, context: ProblemContext): Promise<Response> {
    try {
      const { pathname } = new URL(incoming.url ?? "/", "http://agent");
      const { status, body } = await this.#options.intake.answer(
        {
          method: incoming.method ?? "",
          path: pathname,
          headers: headersOf(incoming),
          body: incoming.iterator({ destroyOnReturn: false }),
        },
        context,
      );
      return Response.json(body, { status });
    } catch (thrown) {
      return problemResponse(thrown, context);
    }
  }
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value);
  return headers;
}
