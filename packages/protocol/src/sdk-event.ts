import { decodeBase64 } from "./base64.js";
import { checkDraft } from "./draft.js";
import type { EventDraft, JsonValue } from "./event.js";
import type { DataInput } from "./json-input.js";

/** The shape of a `CloudEvent` of the SDK (package `cloudevents`), which is not required. */
export interface SdkCloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
  validate(): boolean;
  toJSON(): Readonly<Record<string, unknown>>;
}

/** A publisher's event: a plain one, or one of the SDK. `Data` is inferred. */
export type EventInput<Data = JsonValue> =
  | (EventDraft<Data> & { readonly data?: DataInput<Data> })
  | SdkCloudEvent;

/**
 * The event as a plain object. A plain event is returned unchecked; an SDK event is copied and
 * checked. The reverse needs no function: `new CloudEvent(event)` of the SDK takes a plain event.
 * @throws HawserError as `checkDraft`, for an SDK event
 */
export function plainEvent<Data>(event: EventInput<Data>): EventDraft;
export function plainEvent(event: EventDraft | SdkCloudEvent): EventDraft {
  if (!isSdkEvent(event)) return event;
  const { data_base64: encoded, ...attributes } = event;
  // The SDK keeps bytes in base64 too, and for events it parsed only the base64 is right (its issue
  // 643).
  const bytes = typeof encoded === "string" ? decodeBase64(encoded) : undefined;
  return checkDraft(bytes === undefined ? attributes : { ...attributes, data: bytes });
}

/** Untyped callers may pass anything; the checks of plain events refuse it. */
function isSdkEvent(event: EventDraft | SdkCloudEvent | null | undefined): event is SdkCloudEvent {
  if (event === undefined || event === null) return false;
  return typeof event["validate"] === "function" && typeof event["toJSON"] === "function";
}
