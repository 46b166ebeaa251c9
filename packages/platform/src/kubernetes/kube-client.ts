import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { HawserError, parseRetryAfter } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import { member, text } from "../json-member.js";
import { loadPeer } from "../optional-peer.js";

/** Of an answer, or a line of one, in characters. An object of the API is at most a few MB: what is longer is refused. */
export const MAX_TEXT_LENGTH = 4 * 1_024 * 1_024;

/** A watch is silent for minutes; by this the system notices within about 40 s that nobody is there any more. */
const KEEP_ALIVE_MS = 30_000;

export type Query = Readonly<Record<string, string>>;

/** The API server said no, with a status of HTTP or of a watch's ERROR event. */
export class KubeRefusal extends Error {
  readonly status: number;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Reads from the API server. Address, authority and token are the client library's affair; the request is made here, because the library's own watch
 * cannot be given up before the server has answered.
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

  /** The whole answer, parsed. @throws KubeRefusal or what the network reports */
  async read(path: string, query: Query, signal: AbortSignal): Promise<unknown> {
    return JSON.parse(await whole(await this.#open(path, query, signal)));
  }

  /** The lines of the answer as they come, once there is one. @throws KubeRefusal or what the network reports */
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
 * In-cluster credentials, or a server that asks for none.
 *
 * @throws HawserError `invalid_config` if the library is not installed, or if this is not a cluster
 */
export async function connectKube(server: string | undefined, clock: Clock): Promise<KubeClient> {
  const sdk = await loadPeer("@kubernetes/client-node", 1, () => import("@kubernetes/client-node"));
  const config = new sdk.KubeConfig();
  if (server !== undefined) {
    // The library speaks plain HTTP only when told not to verify, though there is nothing to verify.
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
    // Only what is new is searched: a line of many pieces would be copied once for each of them.
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

/** A Status of the API server, as far as it is read. */
export interface KubeStatus {
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** What a Status object says: of a refusal, or in a watch's ERROR event. */
export function readStatus(object: unknown): KubeStatus {
  const seconds = member(object, "details", "retryAfterSeconds");
  return {
    message: text(member(object, "message")) ?? "",
    retryAfterMs: typeof seconds === "number" && seconds > 0 ? seconds * 1_000 : undefined,
  };
}

/** A refusal carries a Status that says who may not do what; something in between may send anything else. */
function statusOf(body: string): KubeStatus {
  try {
    return readStatus(JSON.parse(body));
  } catch {
    return readStatus(undefined);
  }
}
