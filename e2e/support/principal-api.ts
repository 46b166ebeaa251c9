import { defined } from "@hawser/runtime";
import { z } from "zod";

const agentSchema = z.object({
  name: z.string(),
  state: z.enum(["connected", "disconnected"]),
  reason: z.string(),
  pending: z.number(),
  deadLetters: z.number(),
  session: z
    .object({ id: z.string(), epoch: z.number(), transport: z.string(), inFlight: z.number() })
    .optional(),
});
export type AgentAnswer = z.infer<typeof agentSchema>;

const resourceSchema = z.object({
  agent: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  state: z.string(),
  version: z.string(),
  spec: z.json(),
  status: z.json().optional(),
  observedVersion: z.string().optional(),
  waiting: z.json().optional(),
});
export type ResourceAnswer = z.infer<typeof resourceSchema>;

const deadLetterSchema = z.object({
  resourceid: z.string(),
  eventid: z.string(),
  type: z.string(),
  code: z.string(),
  message: z.string(),
});
export type DeadLetterAnswer = z.infer<typeof deadLetterSchema>;

const acceptedSchema = z.object({ resourceid: z.string(), eventid: z.string(), duplicate: z.boolean() });
export type AcceptedAnswer = z.infer<typeof acceptedSchema>;

const problemSchema = z.object({ type: z.string(), code: z.string(), detail: z.string() });

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** An answer that is not a success, as the API names it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Headers;

  constructor({ status, headers, body }: Answer) {
    const problem = problemSchema.parse(body);
    super(`${status} ${problem.code}: ${problem.detail}`);
    this.status = status;
    this.code = problem.code;
    this.headers = headers;
  }
}

const TIMEOUT_MS = 5_000;

/** The HTTP API as a publisher sees it. Rejects with `Refusal` when it was answered so, with anything else when it was not answered. */
export class PrincipalApi {
  readonly server: string;
  readonly #token: string | undefined;

  constructor(server: string, token?: string) {
    this.server = server;
    this.#token = token;
  }

  /** What a request of the tests' own has to show. */
  get authorization(): Readonly<Record<string, string>> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async request(method: string, path: string, body?: string, type = "application/json"): Promise<Answer> {
    const response = await fetch(new URL(path, this.server), {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        ...(body === undefined ? {} : { "content-type": type }),
        ...this.authorization,
      },
      ...defined({ body }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? (JSON.parse(text) as unknown) : text,
    };
  }

  async put(agent: string, kind: string, name: string, spec: z.core.util.JSONType): Promise<ResourceAnswer> {
    const path = `/v1/agents/${agent}/resources/${kind}/${name}`;
    return resourceSchema.parse(await this.#ok("PUT", path, JSON.stringify({ spec })));
  }

  /** Whether there was anything to delete. */
  async delete(agent: string, kind: string, name: string): Promise<boolean> {
    const answer = await this.request("DELETE", `/v1/agents/${agent}/resources/${kind}/${name}`);
    if (answer.status >= 400 && answer.status !== 404) throw new Refusal(answer);
    return answer.status !== 404;
  }

  async resource(agent: string, kind: string, name: string): Promise<ResourceAnswer> {
    return resourceSchema.parse(await this.#ok("GET", `/v1/agents/${agent}/resources/${kind}/${name}`));
  }

  async resources(agent: string): Promise<readonly ResourceAnswer[]> {
    const body = await this.#ok("GET", `/v1/agents/${agent}/resources?limit=500`);
    return z.object({ items: z.array(resourceSchema) }).parse(body).items;
  }

  /** A command by the HTTP binding, structured. */
  async post(agent: string, event: Readonly<Record<string, unknown>>): Promise<AcceptedAnswer> {
    const body = JSON.stringify({ specversion: "1.0", source: "/e2e", ...event });
    return acceptedSchema.parse(
      await this.#ok("POST", `/v1/agents/${agent}/events`, body, "application/cloudevents+json"),
    );
  }

  async agents(): Promise<readonly AgentAnswer[]> {
    return z.object({ items: z.array(agentSchema) }).parse(await this.#ok("GET", "/v1/agents?limit=500"))
      .items;
  }

  async agent(name: string): Promise<AgentAnswer> {
    return agentSchema.parse(await this.#ok("GET", `/v1/agents/${name}`));
  }

  async deadLetters(agent: string): Promise<readonly DeadLetterAnswer[]> {
    const body = await this.#ok("GET", `/v1/agents/${agent}/dead-letters`);
    return z.object({ items: z.array(deadLetterSchema) }).parse(body).items;
  }

  /** As Prometheus reads them. */
  async metrics(): Promise<string> {
    return z.string().parse(await this.#ok("GET", "/metrics"));
  }

  /** The sum of a metric over its series, those with all of these labels. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const text = await this.metrics();
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  async #ok(method: string, path: string, body?: string, type?: string): Promise<unknown> {
    const answer = await this.request(method, path, body, type);
    if (answer.status >= 400) throw new Refusal(answer);
    return answer.body;
  }
}
