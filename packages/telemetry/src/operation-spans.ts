import { channel } from "node:diagnostics_channel";
import { diag, SpanStatusCode, type Span } from "@opentelemetry/api";
import { HawserError, thrownText } from "@hawser/protocol";
import { ATTRIBUTES } from "./attributes.js";
import type { Failure } from "./channel-messages.js";

/** Begins and ends the spans of one tracing channel. */
export interface SpanPlan<Message extends object> {
  readonly begin: (message: Message) => Span;
  /** Adds the facts of the end; an error of the message is already recorded. */
  readonly end?: (message: Message, span: Span) => void;
}

/** One span per operation of one tracing channel. */
export class OperationSpans<Message extends object> {
  readonly #channels: readonly (readonly [string, (message: unknown) => void])[];
  /** Bounded by the running operations. */
  readonly #open = new Map<unknown, Span>();

  constructor(name: string, plan: SpanPlan<Message>) {
    const begun = (message: Message): void => {
      this.#open.set(message, plan.begin(message));
    };
    const ended = (message: Message & Failure): void => {
      const span = this.#open.get(message);
      if (span === undefined) return;
      this.#open.delete(message);
      if ("error" in message) recordError(span, message.error);
      plan.end?.(message, span);
      span.end();
    };
    this.#channels = [
      [`tracing:${name}:start`, guarded(begun)],
      // The work threw synchronously; otherwise `asyncEnd` follows.
      [`tracing:${name}:end`, guarded((message: Message) => "error" in message && ended(message))],
      [`tracing:${name}:asyncEnd`, guarded(ended)],
    ];
  }

  subscribe(): void {
    for (const [name, listener] of this.#channels) channel(name).subscribe(listener);
  }

  /** Ends the spans of running operations, whose end would be missed. */
  unsubscribe(): void {
    for (const [name, listener] of this.#channels) channel(name).unsubscribe(listener);
    for (const span of this.#open.values()) span.end();
    this.#open.clear();
  }
}

/** An exception of an SDK would end the process. The API's diagnostics get it instead. */
function guarded<Message>(listener: (message: Message) => unknown): (message: unknown) => void {
  return (message) => {
    try {
      listener(message as Message);
    } catch (thrown) {
      diag.error("@hawser/telemetry: a span is lost", thrown);
    }
  };
}

/** Records an error on its span: Hawser's code, else the class name. */
export function recordError(span: Span, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(thrownText(thrown));
  span.setAttribute(ATTRIBUTES.errorType, error instanceof HawserError ? error.code : error.name);
  span.recordException(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
}
