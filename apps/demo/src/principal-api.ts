import { readFile } from "node:fs/promises";
import type { Fleet } from "@hawser/app-fleet";
import { z } from "zod";

const agentSchema = z.object({
  name: z.string(),
  state: z.string(),
  pending: z.number(),
  deadLetters: z.number(),
  session: z
    .object({ transport: z.string(), ageMs: z.number(), epoch: z.number(), inFlight: z.number() })
    .optional(),
});
export type AgentState = z.infer<typeof agentSchema>;

const resourceSchema = z.object({
  agent: z.string(),
  kind: z.string(),
  name: z.string(),
  state: z.string(),
  version: z.string(),
  observedVersion: z.string().optional(),
  spec: z.record(z.string(), z.json()),
});
export type ResourceState = z.infer<typeof resourceSchema>;

/** Totals since the principal started. */
export interface Totals {
  readonly accepted: number;
  readonly sent: number;
  readonly acked: number;
}

interface PlainRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The few calls of the HTTP API the demo makes. Every one rejects while no principal is there. */
export class PrincipalApi {
  readonly server: string;
  readonly #tokenFile: string;

  constructor(server: string, tokenFile: string) {
    this.server = server;
    this.#tokenFile = tokenFile;
  }

  async agents(): Promise<readonly AgentState[]> {
    return z.object({ items: z.array(agentSchema) }).parse(await this.#json("/v1/agents?limit=100")).items;
  }

  async resources(agent: string): Promise<readonly ResourceState[]> {
    const body = await this.#json(`/v1/agents/${agent}/resources?limit=500`);
    return z.object({ items: z.array(resourceSchema) }).parse(body).items;
  }

  /** Accepted means on disk; anything else rejects. */
  async put(agent: string, kind: string, name: string, spec: unknown): Promise<ResourceState> {
    const body = await this.#json(`/v1/agents/${agent}/resources/${kind}/${name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ spec }),
    });
    return resourceSchema.parse(body);
  }

  async totals(): Promise<Totals> {
    const text = await (await this.#fetch("/metrics")).text();
    return {
      accepted: sumOf(text, "hawser_events_accepted_total"),
      sent: sumOf(text, "hawser_events_sent_total"),
      acked: sumOf(text, "hawser_events_acked_total"),
    };
  }

  async #json(path: string, init?: PlainRequest): Promise<unknown> {
    return (await this.#fetch(path, init)).json();
  }

  async #fetch(path: string, init: PlainRequest = {}): Promise<Response> {
    const token = (await readFile(this.#tokenFile, "utf8")).trim();
    const response = await fetch(new URL(path, this.server), {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(2_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export function apiOf(fleet: Fleet): PrincipalApi {
  return new PrincipalApi(fleet.server, fleet.apiTokenFile);
}

function sumOf(metrics: string, name: string): number {
  let sum = 0;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
