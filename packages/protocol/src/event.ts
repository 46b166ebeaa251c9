/** Any JSON value, as `JSON.parse` gives it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Value of an extension attribute (CloudEvents 1.0.2, section 3.1, narrowed by this protocol). */
export type ExtensionValue = string | number | boolean;

/** Attributes of CloudEvents 1.0.2 with the extensions that Hawser names. */
interface EventAttributes {
  readonly specversion: "1.0";
  /** Unique within `source`; stays the same on every resend. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** For resource events `<kind>/<name>`. */
  readonly subject?: string;
  /** RFC 3339 timestamp. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  /** RFC 3339 (CloudEvents expiry-time extension). A command is not delivered after it. */
  readonly expirytime?: string;
}

/**
 * A publisher's CloudEvent, before the mailbox assigns its version.
 * @typeParam Data type of `data` for input; output has the default
 */
export interface EventDraft<Data = JsonValue | Uint8Array> extends EventAttributes {
  /** JSON, or text when `datacontenttype` is not JSON, or bytes. Undefined members are left out. */
  readonly data?: Data;
  /** The resource: `<name>_<uid>`. Order and versions are kept per resource. */
  readonly resourceid: string;
  /** Further extension attributes, such as `traceparent`. */
  readonly [extension: string]: ExtensionValue | JsonValue | Uint8Array | NoInfer<Data> | undefined;
}

/** A CloudEvent with its version, as mailboxes hold and streams carry it (PROTOCOL.md, Events). */
export interface HawserEvent extends EventDraft {
  /** The version, a decimal string. It rises per (sender, `resourceid`); gaps are allowed. */
  readonly eventid: string;
}

/** Any CloudEvent on a stream: a `HawserEvent` or a control message, not yet distinguished. */
export interface CloudEvent extends EventAttributes {
  /** JSON, or text when `datacontenttype` is not JSON, or bytes. */
  readonly data?: JsonValue | Uint8Array;
  readonly [extension: string]: ExtensionValue | JsonValue | Uint8Array | undefined;
}

/** The three event types that describe the state of a resource. Every other type is a command. */
export const EVENT_TYPES = {
  spec: "hawser.resource.spec.v1",
  status: "hawser.resource.status.v1",
  delete: "hawser.resource.delete.v1",
} as const;

/** The only command of this protocol: a request for output (PROTOCOL.md, Output). */
export const OUTPUT_REQUEST_TYPE = "hawser.resource.output.v1";

/** Prefix of all types of this protocol. A publisher's own types may not begin with it. */
export const RESERVED_TYPE_PREFIX = "hawser.";

/** Class of an event: states supersede older states, commands never do (PROTOCOL.md, Events). */
export type EventClass = "spec" | "status" | "delete" | "command";

/** The class of an event type. */
export function eventClass(type: string): EventClass {
  switch (type) {
    case EVENT_TYPES.spec:
      return "spec";
    case EVENT_TYPES.status:
      return "status";
    case EVENT_TYPES.delete:
      return "delete";
    default:
      return "command";
  }
}

/**
 * True when an event of class `newer` makes an undelivered `older` one of the same resource
 * obsolete. A delete ends every state. A command was accepted as an order, so nothing supersedes
 * it.
 */
export function supersedes(newer: EventClass, older: EventClass): boolean {
  if (newer === "command" || older === "command") return false;
  return newer === "delete" || newer === older;
}
