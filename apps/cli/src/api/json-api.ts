import { z } from "zod";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { readJson, send, type Server } from "./http.js";
import type { Answer } from "./request.js";

/** Items of a page, the most that the API gives. */
export const PAGE_LIMIT = 500;
const DEFAULT_TIMEOUT_MS = 10_000;

export interface RequestOptions {
  readonly method?: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Requests to the principal's HTTP API, with every answer checked before it is believed. */
export class JsonApi {
  readonly server: Server;
  readonly #timeoutMs: number;
  readonly #cancelled: AbortSignal;

  /** @param timeoutMs per request. @default 10 s */
  constructor(server: Server, cancelled: AbortSignal, timeoutMs: number = DEFAULT_TIMEOUT_MS) {
    this.server = server;
    this.#cancelled = cancelled;
    this.#timeoutMs = timeoutMs;
  }

  /** Every item of a list, all pages. */
  async all<T extends z.ZodType>(
    item: T,
    path: string,
    filter: Readonly<Record<string, string | undefined>> = {},
  ): Promise<readonly z.infer<T>[]> {
    const items: z.infer<T>[] = [];
    let after: string | null = null;
    do {
      const parameters = parametersOf({ ...filter, limit: String(PAGE_LIMIT), after: after ?? undefined });
      const { items: found, next }: { items: z.infer<T>[]; next: string | null } = await this.json(
        pageOf(item),
        `${path}?${parameters}`,
      );
      items.push(...found);
      after = next;
    } while (after !== null);
    return items;
  }

  /** What is answered, once it has the shape. @throws CommandError (failed) where it has another */
  async json<T extends z.ZodType>(
    schema: T,
    path: string,
    options: RequestOptions = {},
  ): Promise<z.infer<T>> {
    return this.#parse(schema, await readJson(this.server, await this.request(path, options)));
  }

  /** @throws Refusal for an answer that is none of success */
  async request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const { timeoutMs = this.#timeoutMs, ...rest } = options;
    const signal = AbortSignal.any([this.#cancelled, AbortSignal.timeout(timeoutMs)]);
    return send(this.server, path, { ...rest, signal });
  }

  #parse<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new CommandError(
      EXIT_CODES.failed,
      `${this.server.url} does not answer like a Hawser principal; is it the API port, and of this version? 'hawser doctor' looks`,
      { cause: parsed.error },
    );
  }
}

/** The shape of one page of a list. */
export function pageOf<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodNullable<z.ZodString> }> {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** A query of those that have a value. */
export function parametersOf(values: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, value);
  return parameters.toString();
}
