import { decodeBase64 } from "./base64.js";
import { checkDraft } from "./draft.js";
import type { EventDraft, JsonValue } from "./event.js";
import type { DataInput } from "./json-input.js";

/** An event of the SDK of CloudEvents (`CloudEvent` of the package `cloudevents`), by its shape: nothing here depends on the SDK. */
export interface SdkCloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
  validate(): boolean;
  toJSON(): Readonly<Record<string, unknown>>;
}

/** An event as a publisher gives it: a plain one, whose data may be of any type that is JSON, or one of the SDK. `Data` is inferred. */
export type EventInput<Data = JsonValue> =
  | (EventDraft<Data> & { readonly data?: DataInput<Data> })
  | SdkCloudEvent;

/**
 * The event as a plain object. What is one is given back as it is, unchecked; an event of the SDK is copied and checked.
 *
 * The other way round nothing is needed: `new CloudEvent(event)` of the SDK takes a plain event.
 *
 * @throws HawserError what `checkDraft` throws, for an event of the SDK
 */
export function plainEvent<Data>(event: EventInput<Data>): EventDraft;
export function plainEvent(event: EventDraft | SdkCloudEvent): EventDraft {
  if (!isSdkEvent(event)) return event;
  const { data_base64: encoded, ...attributes } = event;
  // The SDK has bytes in base64 as well, and where it read them itself, only that is right (its issue 643).
  const bytes = typeof encoded === "string" ? decodeBase64(encoded) : undefined;
  return checkDraft(bytes === undefined ? attributes : { ...attributes, data: bytes });
}

/** Also for what a caller without types hands in: it is refused where plain events are checked. */
function isSdkEvent(event: EventDraft | SdkCloudEvent | null | undefined): event is SdkCloudEvent {
  if (event === undefined || event === null) return false;
  return typeof event["validate"] === "function" && typeof event["toJSON"] === "function";
}
