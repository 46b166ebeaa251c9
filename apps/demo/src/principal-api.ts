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

/** The few calls of the HTTP API the demo makes. Every one rejects while no principal is there. */
export class PrincipalApi {
  readonly server: string;

  constructor(server: string) {
    this.server = server;
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

  async #json(path: string, init?: RequestInit): Promise<unknown> {
    return (await this.#fetch(path, init)).json();
  }

  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.server), { ...init, signal: AbortSignal.timeout(2_000) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}

export function apiOf(fleet: Fleet): PrincipalApi {
  return new PrincipalApi(fleet.server);
}

function sumOf(metrics: string, name: string): number {
  let sum = 0;
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
