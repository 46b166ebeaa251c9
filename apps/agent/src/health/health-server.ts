import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Agent } from "@hawser/agent";
import type { AgentMetrics } from "@hawser/metrics";
import { HawserError, thrownText } from "@hawser/protocol";
import { hostAllowList, type Lifecycle, LogLimiter, refusedSource, type Runtime } from "@hawser/runtime";
import type { HostPort } from "@hawser/service";

/** Whose health is told, and where. */
export interface HealthServerOptions {
  /** Asked at each question. */
  readonly agent: () => Pick<Agent, "state">;
  readonly metrics: Pick<AgentMetrics, "text" | "contentType">;
  readonly listen: HostPort;
  readonly runtime: Pick<Runtime, "clock" | "logger">;
}

/** Connections at once; one more takes the place of the oldest, which had its time to ask. */
export const MAX_HEALTH_CONNECTIONS = 64;
/** From the connection to the end of the question: a probe says what it wants at once. */
const REQUEST_TIMEOUT_MS = 2_000;
/** How often the questions that take too long are looked for. */
const CHECK_INTERVAL_MS = 500;
/** Whoever reads its answer more slowly has gone. */
const IDLE_TIMEOUT_MS = 5_000;
/** A port that can take no connection cannot take any of thousands. */
const ACCEPT_FAILURE_LINES = { burst: 1, linesPerSecond: 1 / 60 } as const;

/**
 * `/livez`, `/readyz` and `/metrics` of an agent, for whoever restarts or watches it. They tell a state and numbers, want no token, and nobody's question or silence holds up the agent or the next one who
 * asks: one question a connection, each within its time, and so many connections at most.
 *
 * `start` throws a HawserError `port_in_use` or `address_unavailable`.
 */
export function createHealthServer(options: HealthServerOptions): Lifecycle<HostPort> {
  const { listen } = options;
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  return {
    async start() {
      if (server !== undefined)
        throw new HawserError(
          "invalid_state",
          "this health server has been started already; stop it before you start it again",
        );
      const started = serverOf(options, sockets);
      server = started;
      try {
        return await bind(started, listen);
      } catch (error) {
        if (server === started) server = undefined;
        throw error;
      }
    },
    stop() {
      const ending = server;
      server = undefined;
      return new Promise((resolve) => {
        if (ending === undefined) return resolve();
        ending.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      });
    },
  };
}

/** Whether the port can be had; it is given back. @throws HawserError as the start would */
export async function tryHealthPort(listen: HostPort): Promise<void> {
  const server = createServer();
  await bind(server, listen);
  await new Promise((resolve) => server.close(resolve));
}

function serverOf(options: HealthServerOptions, sockets: Set<Socket>): Server {
  const { logger, clock } = options.runtime;
  const allowed = hostAllowList(options.listen.host, {});
  const server = createServer({
    headersTimeout: REQUEST_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  });
  server.timeout = IDLE_TIMEOUT_MS;
  server.on("connection", (socket) => {
    const [oldest] = sockets.size < MAX_HEALTH_CONNECTIONS ? [] : sockets;
    oldest?.destroy();
    if (oldest !== undefined) sockets.delete(oldest);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.on("request", (request, response) => {
    const { host, origin } = request.headers;
    if (refusedSource(allowed, { host, origin }) !== undefined)
      return send(response, 403, { detail: "this host or origin may not ask here" });
    answer(options, request, response).catch((err: unknown) => {
      logger.error({ err }, "the answer to a question about the agent's health failed");
      response.destroy();
    });
  });
  const lines = new LogLimiter(ACCEPT_FAILURE_LINES);
  server.on("error", (err) => {
    // Before it listens, whoever binds it is told.
    if (!server.listening || !lines.judge("", clock.now()).write) return;
    logger.error({ err }, "the health port cannot accept a connection");
  });
  return server;
}

async function answer(
  { agent, metrics }: HealthServerOptions,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reads = method === "GET" || method === "HEAD";
  const path = url?.split("?")[0];
  if (reads && path === "/livez") return send(response, 200, { status: "alive" });
  const { kind } = agent().state;
  if (reads && path === "/readyz") return send(response, kind === "connected" ? 200 : 503, { state: kind });
  if (reads && path === "/metrics") {
    const text = await metrics.text();
    return end(response, 200, metrics.contentType, text);
  }
  send(response, 404, { detail: "GET /livez, GET /readyz and GET /metrics are here, and nothing else" });
}

function send(response: ServerResponse, status: number, body: object): void {
  end(response, status, "application/json", JSON.stringify(body));
}

function end(response: ServerResponse, status: number, contentType: string, body: string): void {
  // One question a connection: a probe has no second one, and a place is free again.
  const headers = { "content-type": contentType, "cache-control": "no-store", connection: "close" };
  response.writeHead(status, headers).end(body);
}

function bind(server: Server, { host, port }: HostPort): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      const isTaken = "code" in cause && cause.code === "EADDRINUSE";
      const what = `--health-listen ${host} port ${port}`;
      reject(
        new HawserError(
          isTaken ? "port_in_use" : "address_unavailable",
          isTaken
            ? `${what} is in use by another process; stop it, or choose a free port (0 lets the system choose)`
            : `${what} cannot be bound: ${thrownText(cause)}; choose an address of this machine`,
          { cause },
        ),
      );
    };
    server.once("error", onError);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      const bound = server.address();
      resolve({ host, port: typeof bound === "object" && bound !== null ? bound.port : port });
    });
  });
}
