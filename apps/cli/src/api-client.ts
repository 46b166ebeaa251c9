import { z } from "zod";
import { CommandError, EXIT_CODES, type ExitCode } from "./exit-codes.js";

export interface ApiClientOptions {
  /** Base address of the principal's HTTP API. */
  readonly server: string;
  readonly token?: string | undefined;
  /** Per request. @default 10 s */
  readonly timeoutMs?: number;
}

const resourceSchema = z.looseObject({
  agent: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  state: z.string(),
  version: z.string(),
  spec: z.json(),
  status: z.json().optional(),
  observedVersion: z.string().optional(),
  updatedAt: z.string().optional(),
  statusAt: z.string().optional(),
});
export type Resource = z.infer<typeof resourceSchema>;

const agentSchema = z.looseObject({
  name: z.string(),
  state: z.string(),
  reason: z.string(),
  session: z
    .looseObject({ transport: z.string(), ageMs: z.number(), inFlight: z.number(), software: z.string() })
    .optional(),
  lastSeenAt: z.string().optional(),
  lastAckAt: z.string().optional(),
  pending: z.number(),
  deadLetters: z.number(),
});
export type Agent = z.infer<typeof agentSchema>;

const problemSchema = z.looseObject({
  type: z.string(),
  detail: z.string().optional(),
  title: z.string().optional(),
});

function page<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

const PAGE_LIMIT = 500;
const DEFAULT_TIMEOUT_MS = 10_000;

/** The principal's HTTP API, with every answer checked before it is believed. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    if (!URL.canParse(options.server)) {
      throw new CommandError(
        EXIT_CODES.usage,
        `'${options.server}' is not an address; give --server something like http://127.0.0.1:7481`,
      );
    }
    this.#options = options;
  }

  async put(
    agent: string,
    kind: string,
    name: string,
    spec: unknown,
  ): Promise<{ readonly resource: Resource; readonly created: boolean }> {
    const { status, body } = await this.#send("PUT", resourcePath(agent, kind, name), { spec });
    return { resource: this.#parse(resourceSchema, body), created: status === 201 };
  }

  async get(agent: string, kind: string, name: string): Promise<Resource> {
    return this.#parse(resourceSchema, (await this.#send("GET", resourcePath(agent, kind, name))).body);
  }

  async delete(agent: string, kind: string, name: string): Promise<Resource> {
    return this.#parse(resourceSchema, (await this.#send("DELETE", resourcePath(agent, kind, name))).body);
  }

  /** Every resource of an agent, all pages. */
  async list(agent: string): Promise<readonly Resource[]> {
    return this.#all(resourceSchema, `/v1/agents/${encodeURIComponent(agent)}/resources`);
  }

  /** Every agent, all pages. */
  async agents(): Promise<readonly Agent[]> {
    return this.#all(agentSchema, "/v1/agents");
  }

  async #all<T extends z.ZodType>(item: T, path: string): Promise<readonly z.infer<T>[]> {
    const items: z.infer<T>[] = [];
    let after: string | null = null;
    do {
      const query: URLSearchParams = new URLSearchParams({
        limit: String(PAGE_LIMIT),
        ...(after === null ? {} : { after }),
      });
      const { body } = await this.#send("GET", `${path}?${query.toString()}`);
      const { items: found, next } = this.#parse(page(item), body);
      items.push(...found);
      after = next;
    } while (after !== null);
    return items;
  }

  #parse<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new CommandError(
      EXIT_CODES.failed,
      `${this.#options.server} does not answer like a Hawser principal; is --server the API port, and of this version?`,
      { cause: parsed.error },
    );
  }

  async #send(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const { server, token, timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, server), {
        method,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (thrown) {
      throw new CommandError(
        EXIT_CODES.unreachable,
        `no principal answers at ${server} (${reasonOf(thrown)}); start one, or name another with --server or HAWSER_SERVER`,
        { cause: thrown },
      );
    }
    const json = parseJson(text);
    if (response.ok) return { status: response.status, body: json };
    throw refusal(response.status, json);
  }
}

function resourcePath(agent: string, kind: string, name: string): string {
  return `/v1/agents/${[agent, "resources", kind, name].map(encodeURIComponent).join("/")}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "no answer in time";
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
}

function refusal(status: number, body: unknown): CommandError {
  const problem = problemSchema.safeParse(body);
  const code = problem.success ? problem.data.type.replace("urn:hawser:error:", "") : `http_${status}`;
  const detail = problem.success
    ? (problem.data.detail ?? problem.data.title ?? "")
    : "the answer was not understood";
  return new CommandError(exitCodeOf(status), `${code}: ${detail}`);
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT_CODES.notFound;
  if (status === 409 || status === 412) return EXIT_CODES.conflict;
  return EXIT_CODES.failed;
}
