import type { Agent } from "@hawser/agent";
import {
  decodeHttpBatch,
  decodeHttpEvent,
  HttpError,
  isBatch,
  MAX_BATCH_BYTES,
  MAX_BODY_BYTES,
  problemOf,
  type ProblemContext,
} from "@hawser/http-binding";
import { HawserError, type EventDraft, type JsonValue } from "@hawser/protocol";
import { VERSION } from "../version.js";
import type { BodyBudget } from "./body-budget.js";

/** A request as it came. */
export interface IntakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: AsyncIterable<unknown>;
}

/** What is answered with success. */
export interface IntakeAnswer {
  readonly status: 200 | 202;
  readonly body: JsonValue;
}

const EVENTS = "/v1/events";
const INFO = "/v1/info";
const METHODS: Readonly<Record<string, string>> = { [EVENTS]: "POST", [INFO]: "GET" };

/**
 * Takes events of programs on this machine for the principal (CloudEvents HTTP protocol binding 1.0.2): `POST /v1/events` answers 202 once what is accepted is in the agent's own mailbox, on disk.
 * The same `source` and `id` are accepted once, as by the principal's API. `GET /v1/info` says whose socket it is.
 */
export class EventIntake {
  readonly #agent: Pick<Agent, "name" | "publish" | "state">;
  readonly #budget: BodyBudget;

  constructor(agent: Pick<Agent, "name" | "publish" | "state">, budget: BodyBudget) {
    this.#agent = agent;
    this.#budget = budget;
  }

  /** @throws HawserError what is to be answered as a problem */
  async answer(request: IntakeRequest, context: ProblemContext): Promise<IntakeAnswer> {
    const { method, path } = request;
    const allow = METHODS[path];
    if (allow === undefined)
      throw new HawserError("not_found", `there is nothing at ${path}; events go to POST ${EVENTS}`);
    if (method !== allow) {
      const message = `${method} is not served here; ${allow} is`;
      throw new HttpError(405, "invalid_message", message, { headers: { allow } });
    }
    if (path === INFO) return { status: 200, body: this.#info() };
    return { status: 202, body: await this.#take(request, context) };
  }

  #info(): JsonValue {
    const { name, state } = this.#agent;
    return { name, version: VERSION, state: state.kind };
  }

  #take({ headers, body }: IntakeRequest, context: ProblemContext): Promise<JsonValue> {
    const batch = isBatch(headers);
    const maxBytes = batch ? MAX_BATCH_BYTES : MAX_BODY_BYTES;
    const contentLength = Number(headers.get("content-length") ?? 0);
    return this.#budget.read({ body, contentLength, maxBytes }, async (bytes) => {
      if (!batch) return this.#publish(decodeHttpEvent(headers, bytes));
      const items = decodeHttpBatch(headers, bytes);
      // Handed over in order and all at once, so that the store commits them together.
      return { items: await Promise.all(items.map((item) => this.#item(item, context))) };
    });
  }

  async #item(item: EventDraft | HawserError, context: ProblemContext): Promise<JsonValue> {
    try {
      if (item instanceof HawserError) throw item;
      return await this.#publish(item);
    } catch (thrown) {
      return { error: { ...problemOf(HawserError.from(thrown), context) } };
    }
  }

  async #publish(event: EventDraft): Promise<JsonValue> {
    // CloudEvents names an event by its source and id, so a program that repeats a request repeats the key.
    const idempotencyKey = JSON.stringify([event.source, event.id]);
    const { resourceid, eventid, duplicate } = await this.#agent.publish(event, { idempotencyKey });
    return { resourceid, eventid, duplicate };
  }
}
