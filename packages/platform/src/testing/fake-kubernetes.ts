import type { IncomingMessage, ServerResponse } from "node:http";
import { serve } from "./local-server.js";

export type KubeFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly message?: string;
      /** The header; and, in the Status beside it, whole seconds. */
      readonly retryAfter?: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: "body"; readonly body: string }
  | { readonly kind: "silence" }
  | { readonly kind: "cut" };

export interface FakeObject {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Lists and watches of pods and EndpointSlices, as far as the watchers use them: one collection, which every selector selects. */
export class FakeKubernetes {
  url = "";
  /** `<verb> <path>` of each request. */
  readonly calls: string[] = [];
  readonly queries: URLSearchParams[] = [];
  /** How many watches were begun, those that ended included. */
  watchesOpened = 0;
  /** By verb; stays until it is removed. */
  readonly faults = new Map<"list" | "watch" | "get", KubeFault>();
  readonly #objects = new Map<string, FakeObject>();
  readonly #watches = new Set<ServerResponse>();
  #version = 100;

  async start(): Promise<this> {
    this.url = await serve((request, response) => this.#answer(request, response));
    return this;
  }

  get watching(): number {
    return this.#watches.size;
  }

  put(object: FakeObject): void {
    const { name } = object.metadata;
    const phase = this.#objects.has(name) ? "MODIFIED" : "ADDED";
    const kept = this.#versioned(object);
    this.#objects.set(name, kept);
    this.tell(phase, kept);
  }

  remove(name: string): void {
    const object = this.#objects.get(name);
    if (object === undefined) throw new Error(`there is no ${name}`);
    this.#objects.delete(name);
    this.tell("DELETED", this.#versioned(object));
  }

  bookmark(): void {
    this.tell("BOOKMARK", this.#versioned({ metadata: { name: "" } }));
  }

  /** An event to all that watch. */
  tell(type: string, object: unknown): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify({ type, object })}\n`);
  }

  get version(): string {
    return String(this.#version);
  }

  /** Ends the watches: as at the end of their time, or as when the server is gone. */
  endWatches(how: "clean" | "cut"): void {
    for (const watch of this.#watches) {
      if (how === "clean") watch.end();
      else watch.destroy();
    }
    this.#watches.clear();
  }

  #versioned(object: FakeObject): FakeObject {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: this.version } };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const collection = /\/(pods|endpointslices)$/.test(pathname);
    const verb = searchParams.get("watch") === "true" ? "watch" : collection ? "list" : "get";
    this.calls.push(`${verb} ${pathname}`);
    this.queries.push(searchParams);
    const fault = this.faults.get(verb);
    if (fault?.kind === "silence") return;
    if (fault?.kind === "cut") {
      response.destroy();
      return;
    }
    response.setHeader("content-type", "application/json");
    if (fault?.kind === "status") {
      response.statusCode = fault.status;
      if (fault.retryAfter !== undefined) response.setHeader("retry-after", fault.retryAfter);
      response.end(JSON.stringify(statusOf(fault)));
      return;
    }
    if (fault?.kind === "body") {
      response.end(fault.body);
      return;
    }
    if (verb === "watch") {
      response.flushHeaders();
      this.#watches.add(response);
      this.watchesOpened += 1;
      response.once("close", () => this.#watches.delete(response));
      return;
    }
    const items = [...this.#objects.values()];
    const name = decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1));
    const body =
      verb === "list" ? { metadata: { resourceVersion: this.version }, items } : this.#objects.get(name);
    response.end(JSON.stringify(body));
  }
}

function statusOf({ status, message = "no", retryAfterSeconds }: KubeFault & { kind: "status" }) {
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  return { kind: "Status", code: status, message, ...details };
}
