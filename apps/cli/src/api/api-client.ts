import { z } from "zod";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { Refusal, type Server } from "./http.js";
import { JsonApi, PAGE_LIMIT, pageOf, parametersOf } from "./json-api.js";
import {
  acceptedSchema,
  agentSchema,
  batchItemSchema,
  deadLetterSchema,
  deleteAnswerSchema,
  drainSchema,
  infoSchema,
  purgedSchema,
  putAnswerSchema,
  recordedSchema,
  removedAgentSchema,
  resourceSchema,
  statusSchema,
  type Accepted,
  type Agent,
  type BatchItem,
  type DeadLetter,
  type Drain,
  type Info,
  type Purged,
  type PutResult,
  type Recorded,
  type RemovedAgent,
  type Resource,
  type Status,
} from "./schemas.js";
import { SinksApi } from "./sinks-api.js";
import type { ResourceInAgent, ResourceName } from "../resource-reference.js";

export interface AgentQuery {
  readonly state?: string | undefined;
  /** Names that begin so. */
  readonly name?: string | undefined;
  readonly sort?: string | undefined;
  readonly order?: string | undefined;
}

/** The principal's HTTP API, in the words of the commands. */
export class ApiClient {
  readonly server: Server;
  readonly sinks: SinksApi;
  readonly #api: JsonApi;

  /** @param timeoutMs per request. @default 10 s */
  constructor(server: Server, cancelled: AbortSignal, timeoutMs?: number) {
    this.server = server;
    this.#api = new JsonApi(server, cancelled, timeoutMs);
    this.sinks = new SinksApi(this.#api);
  }

  async put(
    target: ResourceName,
    spec: unknown,
    { dryRun = false, force = false }: { readonly dryRun?: boolean; readonly force?: boolean } = {},
  ): Promise<{ readonly resource: Resource; readonly result: PutResult }> {
    const query = parametersOf({
      dryRun: dryRun ? "true" : undefined,
      force: force ? "true" : undefined,
    });
    const path = resourcePath(target) + (query === "" ? "" : `?${query}`);
    const answer = await this.#api.json(putAnswerSchema, path, {
      method: "PUT",
      body: JSON.stringify({ spec }),
    });
    if (dryRun && answer.dryRun !== true) throw ignoredDryRun(target);
    const { result, ...resource } = answer;
    return { resource, result };
  }

  /** Sets a spec if the resource has the version it was read in. @throws Refusal `conflict` (412) when it has not */
  async replace(
    before: ResourceName & Pick<Resource, "version">,
    spec: unknown,
  ): Promise<{ readonly resource: Resource; readonly result: PutResult }> {
    const { result, ...resource } = await this.#api.json(putAnswerSchema, resourcePath(before), {
      method: "PUT",
      body: JSON.stringify({ spec }),
      headers: { "if-match": `"${before.version}"` },
    });
    return { resource, result };
  }

  async get(target: ResourceName): Promise<Resource> {
    return this.#api.json(resourceSchema, resourcePath(target));
  }

  /** Undefined when it is not there. */
  async find(target: ResourceName): Promise<Resource | undefined> {
    return orUndefined(this.get(target));
  }

  async delete(target: ResourceName, dryRun = false): Promise<Resource> {
    const path = resourcePath(target) + dryRunQuery(dryRun);
    const answer = await this.#api.json(deleteAnswerSchema, path, { method: "DELETE" });
    if (dryRun && answer.dryRun !== true) throw ignoredDryRun(target);
    return answer;
  }

  /** Every resource of an agent, all pages. */
  async list(
    agent: string,
    query: { readonly kind?: string; readonly state?: string } = {},
  ): Promise<readonly Resource[]> {
    return this.#api.all(resourceSchema, `${agentPath(agent)}/resources`, query);
  }

  /** The first page of an agent's resources. */
  async firstResources(agent: string, query: { readonly kind?: string } = {}): Promise<readonly Resource[]> {
    const parameters = parametersOf({ ...query, limit: String(PAGE_LIMIT) });
    return (await this.#api.json(pageOf(resourceSchema), `${agentPath(agent)}/resources?${parameters}`))
      .items;
  }

  /** Every agent, all pages. */
  async agents(query: AgentQuery = {}): Promise<readonly Agent[]> {
    return this.#api.all(agentSchema, "/v1/agents", { ...query });
  }

  /** The first agents by that order, and no more of them. */
  async topAgents(query: AgentQuery, limit: number): Promise<readonly Agent[]> {
    const parameters = parametersOf({ ...query, limit: String(Math.min(limit, PAGE_LIMIT)) });
    return (await this.#api.json(pageOf(agentSchema), `/v1/agents?${parameters}`)).items;
  }

  async agent(name: string): Promise<Agent> {
    return this.#api.json(agentSchema, agentPath(name));
  }

  async findAgent(name: string): Promise<Agent | undefined> {
    return orUndefined(this.agent(name));
  }

  async deadLetters(agent: string): Promise<readonly DeadLetter[]> {
    return this.#api.all(deadLetterSchema, `${agentPath(agent)}/dead-letters`);
  }

  async requeue(agent: string, eventid: string): Promise<Accepted> {
    return this.#api.json(acceptedSchema, `${deadLetterPath(agent, eventid)}/requeue`, { method: "POST" });
  }

  async removeAgent(
    agent: string,
    { force, tombstone }: { readonly force: boolean; readonly tombstone: boolean },
  ): Promise<void> {
    const query = parametersOf({
      force: force ? "true" : undefined,
      tombstone: tombstone ? undefined : "false",
    });
    const path = agentPath(agent) + (query === "" ? "" : `?${query}`);
    (await this.#api.request(path, { method: "DELETE" })).abandon();
  }

  async readmitAgent(agent: string): Promise<void> {
    const path = `/v1/removed-agents/${encodeURIComponent(agent)}`;
    (await this.#api.request(path, { method: "DELETE" })).abandon();
  }

  /** Every agent that was removed and not readmitted, all pages. */
  async removedAgents(): Promise<readonly RemovedAgent[]> {
    return this.#api.all(removedAgentSchema, "/v1/removed-agents");
  }

  /** Throws away what is pending, all of it or what is about one resource. */
  async purge(agent: string, resource: ResourceInAgent | undefined): Promise<Purged> {
    const query = resource === undefined ? "" : `?${parametersOf({ ...resource })}`;
    return this.#api.json(purgedSchema, `${agentPath(agent)}/pending${query}`, { method: "DELETE" });
  }

  async discard(agent: string, eventid: string): Promise<void> {
    (await this.#api.request(deadLetterPath(agent, eventid), { method: "DELETE" })).abandon();
  }

  /** One CloudEvent, structured mode. */
  async publish(agent: string, event: unknown): Promise<Accepted> {
    const contentType = "application/cloudevents+json";
    const body = JSON.stringify(event);
    return this.#api.json(acceptedSchema, `${agentPath(agent)}/events`, {
      method: "POST",
      body,
      contentType,
    });
  }

  /** Several, in the order given; each is accepted or refused by itself. */
  async publishBatch(agent: string, events: readonly unknown[]): Promise<readonly BatchItem[]> {
    const contentType = "application/cloudevents-batch+json";
    const body = JSON.stringify(events);
    const answer = z.object({ items: z.array(batchItemSchema) });
    return (await this.#api.json(answer, `${agentPath(agent)}/events`, { method: "POST", body, contentType }))
      .items;
  }

  /** A page of what agents sent, behind a position. */
  async recorded(
    query: Readonly<Record<string, string | undefined>>,
  ): Promise<{ readonly items: readonly Recorded[]; readonly next: string | null }> {
    const parameters = parametersOf({ ...query, limit: String(PAGE_LIMIT) });
    return this.#api.json(pageOf(recordedSchema), `/v1/agent-events?${parameters}`);
  }

  async status(): Promise<Status> {
    return this.#api.json(statusSchema, "/v1/status");
  }

  /** Begins a drain, or answers with the one that is under way. */
  async drain(order: Readonly<Record<string, string | number>>): Promise<Drain> {
    return this.#api.json(drainSchema, "/v1/drain", { method: "POST", body: JSON.stringify(order) });
  }

  /** Takes a drain back. @throws Refusal `conflict` when there is none */
  async undrain(): Promise<Drain> {
    return this.#api.json(drainSchema, "/v1/drain", { method: "DELETE" });
  }

  async draining(): Promise<Drain> {
    return this.#api.json(drainSchema, "/v1/drain");
  }

  async info(): Promise<Info> {
    return this.#api.json(infoSchema, "/v1/info");
  }

  /** The metrics as text, undefined when this principal serves none. */
  async metrics(): Promise<string | undefined> {
    const response = await orUndefined(this.#api.request("/metrics", { accept: "text/plain" }));
    return response?.text();
  }
}

function agentPath(agent: string): string {
  return `/v1/agents/${encodeURIComponent(agent)}`;
}

function resourcePath({ agent, kind, name }: ResourceName): string {
  return `${agentPath(agent)}/resources/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`;
}

function deadLetterPath(agent: string, eventid: string): string {
  return `${agentPath(agent)}/dead-letters/${encodeURIComponent(eventid)}`;
}

function dryRunQuery(dryRun: boolean): string {
  return dryRun ? "?dryRun=true" : "";
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.status === 404) return undefined;
    throw thrown;
  }
}

/** An older principal ignores the parameter, so the change was made: that has to be said loudly. */
function ignoredDryRun({ agent, kind, name }: ResourceName): CommandError {
  return new CommandError(
    EXIT_CODES.failed,
    `this principal knows no dry runs and has made the change to ${agent}/${kind}/${name}; update the principal before using --dry-run`,
  );
}
