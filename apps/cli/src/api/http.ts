import { printableLine } from "@hawser/runtime";
import { z } from "zod";
import { CommandError, EXIT_CODES, type ExitCode } from "../exit-codes.js";
import type { Route } from "./proxied-agent.js";
import { request, type Answer } from "./request.js";
import { problemSchema, type Problem } from "./schemas.js";

/** Who is asked, and what opens the door. */
export interface Server {
  /** Base address of the principal's HTTP API. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Of a token that nobody named: looks again where it was found, so that it is sent to nobody who has come there since. Throws when its principal has ended. */
  readonly findToken?: (() => string) | undefined;
  /** PEM authorities that sign its certificate, instead of the well-known ones. */
  readonly ca?: string | undefined;
  /** The way through a proxy; absent: directly. */
  readonly route?: Route | undefined;
  /** Where the address comes from, in words, for messages. */
  readonly origin: string;
}

/** The principal answered, and the answer is no. */
export class Refusal extends CommandError {
  declare readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, detail: string) {
    // One line, whatever a peer put into it: with a newline it could imitate a line of ours.
    super(exitCodeOf(status), `${printableLine(`${code}: ${detail}`)}${nextStep(status)}`, { code });
    this.status = status;
  }
}

export interface SendOptions {
  readonly method?: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Sends one request; the body of the answer is still to be read. @throws CommandError `unreachable`; Refusal */
export async function send(server: Server, path: string, options: SendOptions): Promise<Answer> {
  const { method = "GET", body, contentType = "application/json", accept = "application/json" } = options;
  const target = new URL(path.replace(/^\//, ""), server.url.endsWith("/") ? server.url : `${server.url}/`);
  let response: Answer;
  try {
    const token = server.findToken?.() ?? server.token;
    response = await request(target, {
      method,
      headers: {
        accept,
        ...(body === undefined ? {} : { "content-type": contentType }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...options.headers,
      },
      body,
      ca: server.ca,
      agent: server.route?.agent,
      signal: options.signal,
    });
  } catch (thrown) {
    throw unreachable(server, thrown);
  }
  if (response.ok) return response;
  const problem = problemSchema.safeParse(await readJson(server, response));
  const code = problem.success ? codeOf(problem.data) : `http_${response.status}`;
  const detail = problem.success
    ? (problem.data.detail ?? problem.data.title ?? "")
    : `${target.origin} answered ${response.status} as no Hawser principal does; is it the API port?`;
  throw new Refusal(response.status, code, detail);
}

/** The body as JSON, undefined if it is none. @throws CommandError `unreachable` when the answer breaks off */
export async function readJson(server: Server, response: Answer): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (thrown) {
    throw unreachable(server, thrown);
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(server: Server, thrown: unknown): CommandError {
  return new CommandError(
    EXIT_CODES.unreachable,
    `no principal answers at ${server.url} (${reasonOf(thrown)}; the address comes from ${server.origin}); start one, name another with --server or HAWSER_SERVER, or try: hawser doctor`,
    { cause: thrown },
  );
}

export function codeOf(problem: Problem): string {
  return problem.code ?? problem.type.replace("urn:hawser:error:", "");
}

const withCode = z.object({ code: z.string() });

/** Why a request failed: the error has it in its cause, and that one may have it in its code. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "no answer in time";
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  const code = withCode.safeParse(cause);
  // What OpenSSL and the parser say of it names neither.
  if (code.data?.code === "EPROTO") return "it does not speak TLS there; is it http://?";
  if (code.data?.code.startsWith("HPE_") === true) return "no HTTP server answers there; is it https://?";
  return cause.message === "" && code.success ? code.data.code : cause.message;
}

function nextStep(status: number): string {
  if (status === 401) return "; give the token with --token-file, HAWSER_TOKEN or a context";
  return "";
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT_CODES.notFound;
  if (status === 409 || status === 412) return EXIT_CODES.conflict;
  return EXIT_CODES.failed;
}
