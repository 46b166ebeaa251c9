import { z } from "zod";
import type { JsonApi } from "./json-api.js";
import {
  sinkDeadLetterSchema,
  sinkSchema,
  sinkTestSchema,
  type Sink,
  type SinkDeadLetter,
  type SinkTest,
} from "./schemas.js";

/** Where the principal hands on what agents sent, and what it could not. */
export class SinksApi {
  readonly #api: JsonApi;

  constructor(api: JsonApi) {
    this.#api = api;
  }

  async list(): Promise<readonly Sink[]> {
    return (await this.#api.json(z.object({ items: z.array(sinkSchema) }), "/v1/sinks")).items;
  }

  async get(name: string): Promise<Sink> {
    return this.#api.json(sinkSchema, sinkPath(name));
  }

  /** @param mustBeNew refuse where there is one by that name */
  async put(name: string, body: unknown, from: string, mustBeNew: boolean): Promise<Sink> {
    return this.#api.json(sinkSchema, `${sinkPath(name)}?from=${from}`, {
      method: "PUT",
      body: JSON.stringify(body),
      ...(mustBeNew ? { headers: { "if-none-match": "*" } } : {}),
    });
  }

  async switch(name: string, verb: "pause" | "resume"): Promise<Sink> {
    return this.#api.json(sinkSchema, `${sinkPath(name)}/${verb}`, { method: "POST" });
  }

  async remove(name: string, force: boolean): Promise<void> {
    await this.#api.request(`${sinkPath(name)}${force ? "?force=true" : ""}`, { method: "DELETE" });
  }

  async test(name: string): Promise<SinkTest> {
    // As long as the sink itself may take.
    return this.#api.json(sinkTestSchema, `${sinkPath(name)}/test`, { method: "POST", timeoutMs: 610_000 });
  }

  async deadLetters(name: string): Promise<readonly SinkDeadLetter[]> {
    return this.#api.all(sinkDeadLetterSchema, `${sinkPath(name)}/dead-letters`);
  }

  async requeue(name: string, id: string): Promise<void> {
    await this.#api.request(`${sinkDeadLetterPath(name, id)}/requeue`, { method: "POST" });
  }

  async discard(name: string, id: string): Promise<void> {
    await this.#api.request(sinkDeadLetterPath(name, id), { method: "DELETE" });
  }
}

function sinkPath(name: string): string {
  return `/v1/sinks/${encodeURIComponent(name)}`;
}

function sinkDeadLetterPath(name: string, id: string): string {
  return `${sinkPath(name)}/dead-letters/${encodeURIComponent(id)}`;
}
