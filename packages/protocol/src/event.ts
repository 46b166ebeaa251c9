/** Any JSON value, as `JSON.parse` gives it. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What a CloudEvents extension attribute may hold (CloudEvents 1.0.2, section 3.1, as this protocol narrows it). */
export type ExtensionValue = string | number | boolean;

/** Who asked for something that happened elsewhere: attributes of CloudEvents 1.0.2 with the extensions Hawser names. */
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
  /** RFC 3339 timestamp (CloudEvents expiry-time extension). After it a command is no longer worth delivering. */
  readonly expirytime?: string;
}

/**
 * A CloudEvent as a publisher hands it in: the mailbox has not given it a version yet.
 *
 * @typeParam Data of `data`, for what is handed in; whatever comes out has the default
 */
export interface EventDraft<Data = JsonValue | Uint8Array> extends EventAttributes {
  /** JSON, or text when `datacontenttype` is not JSON, or bytes. Members that are undefined are left out. */
  readonly data?: Data;
  /** What the event is about: `<name>_<uid>`. Order and versions are kept per resource. */
  readonly resourceid: string;
  /** Further extension attributes, such as `traceparent`. */
  readonly [extension: string]: ExtensionValue | JsonValue | Uint8Array | NoInfer<Data> | undefined;
}

/** A CloudEvent with its version: what mailboxes hold and streams carry (PROTOCOL.md, Events). */
export interface HawserEvent extends EventDraft {
  /** The version as a decimal string; strictly increasing per (sender, `resourceid`), gaps allowed. */
  readonly eventid: string;
}

/** Any CloudEvent on a stream: a `HawserEvent` or a control message, not yet told apart. */
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

/** The one command that this protocol defines: it asks an agent to show what a resource writes (PROTOCOL.md, Output). */
export const OUTPUT_REQUEST_TYPE = "hawser.resource.output.v1";

/** The prefix of every type this protocol defines; a publisher's own types may not begin with it. */
export const RESERVED_TYPE_PREFIX = "hawser.";

/** How delivery treats an event (PROTOCOL.md, Events): states of one resource supersede each other, commands never do. */
export type EventClass = "spec" | "status" | "delete" | "command";

/** What an event of this type is: states give way to newer ones, commands never do. */
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
 * True when an event of class `newer` makes an undelivered event of class `older` of the same resource pointless. A delete ends every state; a command is an
 * order of its own that was accepted, so nothing takes it back.
 */
export function supersedes(newer: EventClass, older: EventClass): boolean {
  if (newer === "command" || older === "command") return false;
  return newer === "delete" || newer === older;
}
