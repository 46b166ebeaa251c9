import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { HawserError, parseRetryAfter } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { member, text } from "../json-member.js";
import { loadPeer } from "../optional-peer.js";

/** Longest answer or line in characters. An API object has a few MB at most. */
export const MAX_TEXT_LENGTH = 4 * 1_024 * 1_024;

/** A watch is silent for minutes; with this the system detects a dead peer within about 40 s. */
const KEEP_ALIVE_MS = 30_000;

export type Query = Readonly<Record<string, string>>;

/** A refusal of the API server, by HTTP or by a watch's ERROR event. */
export class KubeRefusal extends Error {
  readonly status: number;
  /** Delay requested by the server. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Reads from the API server. The client library provides address, authority and token. The request
 * is made here, because the library's watch cannot be cancelled before the server answers.
 */
export class KubeClient {
  readonly #config: KubeConfig;
  readonly #server: string;
  readonly #clock: Clock;

  constructor(config: KubeConfig, server: string, clock: Clock) {
    this.#config = config;
    this.#server = server;
    this.#clock = clock;
  }

  /** The parsed answer. @throws KubeRefusal or a network error */
  async read(path: string, query: Query, signal: AbortSignal): Promise<unknown> {
    return JSON.parse(await whole(await this.#open(path, query, signal)));
  }

  /** The parsed lines of an answer, as they arrive. @throws KubeRefusal or a network error */
  async lines(path: string, query: Query, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    return parsedLines(await this.#open(path, query, signal));
  }

  async #open(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.#server + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const options: RequestOptions = { signal, headers: { accept: "application/json" } };
    await this.#config.applyToHTTPSOptions(options);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = url.protocol === "https:" ? requestHttps : requestHttp;
      const sent = request(url, options, resolve).on("error", reject);
      sent.setSocketKeepAlive(true, KEEP_ALIVE_MS);
      sent.end();
    });
    if (answer.statusCode === 200) return answer;
    const said = statusOf(await whole(answer));
    const asked = parseRetryAfter(answer.headers["retry-after"], this.#clock.wallTime());
    throw new KubeRefusal(answer.statusCode ?? 0, said.message, asked ?? said.retryAfterMs);
  }
}

/**
 * In-cluster credentials, or a server without authentication.
 * @throws HawserError `invalid_config` without the library, or outside a cluster
 */
export async function connectKube(server: string | undefined, clock: Clock): Promise<KubeClient> {
  const sdk = await loadPeer("@kubernetes/client-node", 1, () => import("@kubernetes/client-node"));
  const config = new sdk.KubeConfig();
  if (server !== undefined) {
    // The library speaks plain HTTP only without verification; there is nothing to verify.
    const skipTLSVerify = server.startsWith("http:");
    config.loadFromClusterAndUser({ name: "given", server, skipTLSVerify }, { name: "nobody" });
  } else if ((process.env["KUBERNETES_SERVICE_HOST"] ?? "") !== "") config.loadFromCluster();
  else throw new HawserError("invalid_config", "this is not a pod: KUBERNETES_SERVICE_HOST is not set");
  const url = config.getCurrentCluster()?.server ?? "";
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new HawserError("invalid_config", `the Kubernetes API server must be an http(s) URL, not '${url}'`);
  return new KubeClient(config, url.replace(/\/$/, ""), clock);
}

async function whole(answer: IncomingMessage): Promise<string> {
  let read = "";
  for await (const chunk of answer.setEncoding("utf8")) read = within(read + String(chunk));
  return read;
}

async function* parsedLines(answer: IncomingMessage): AsyncGenerator<unknown> {
  let rest = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    // Searches only the new chunk, so a long line is not copied once per chunk.
    const [end = "", ...others] = String(chunk).split("\n");
    const lines = [rest + end, ...others];
    rest = within(lines.pop() ?? "");
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
}

function within(read: string): string {
  if (read.length > MAX_TEXT_LENGTH)
    throw new Error(`the API server sent more than ${MAX_TEXT_LENGTH} characters`);
  return read;
}

/** The parts of an API Status that are read. */
export interface KubeStatus {
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** Reads a Status, from a refusal or a watch's ERROR event. */
export function readStatus(object: unknown): KubeStatus {
  const seconds = member(object, "details", "retryAfterSeconds");
  return {
    message: text(member(object, "message")) ?? "",
    retryAfterMs: typeof seconds === "number" && seconds > 0 ? seconds * 1_000 : undefined,
  };
}

/** A refusal has a Status with the reason; a proxy may send anything. */
function statusOf(body: string): KubeStatus {
  try {
    return readStatus(JSON.parse(body));
  } catch {
    return readStatus(undefined);
  }
}
