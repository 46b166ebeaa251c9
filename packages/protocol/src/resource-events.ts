import { jsonOf } from "./data.js";
import { EVENT_TYPES, type EventDraft, type JsonValue } from "./event.js";
import type { JsonInput } from "./json-input.js";
import { resourceId, subjectOf } from "./resource-id.js";

/** Identity and sender of a resource event. */
export interface ResourceRef {
  /** Unique within `source`. */
  readonly id: string;
  readonly source: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339. */
  readonly time?: string;
}

/** The wanted state of a resource. */
export interface SpecEventOptions<Spec = JsonValue> extends ResourceRef {
  readonly spec: Spec;
}

/** The observed state of a resource. */
export interface StatusEventOptions<Status = JsonValue> extends ResourceRef {
  readonly status: Status;
  /** `eventid` of the spec this status reflects. */
  readonly observed: string;
}

/** The end of a resource. */
export type DeleteEventOptions = ResourceRef;

/**
 * The wanted state of a resource (PROTOCOL.md, Resource events).
 * @throws HawserError `invalid_event` for illegal names, and a spec that is no JSON
 */
export function specEvent<Spec>(
  options: SpecEventOptions<Spec> & { readonly spec: JsonInput<Spec> },
): EventDraft {
  const { kind, name, uid, spec } = options;
  return draft(EVENT_TYPES.spec, options, { kind, name, uid, spec: jsonOf(spec) });
}

/**
 * The observed state of a resource.
 * @throws HawserError `invalid_event` for illegal names, and a status that is no JSON
 */
export function statusEvent<Status>(
  options: StatusEventOptions<Status> & { readonly status: JsonInput<Status> },
): EventDraft {
  const { kind, name, uid, status, observed } = options;
  return draft(EVENT_TYPES.status, options, { kind, name, uid, status: jsonOf(status), observed });
}

/** A draft that ends a resource. @throws HawserError `invalid_event` for illegal names */
export function deleteEvent(options: DeleteEventOptions): EventDraft {
  const { kind, name, uid } = options;
  return draft(EVENT_TYPES.delete, options, { kind, name, uid });
}

function draft(
  type: string,
  { id, source, kind, name, uid, time }: ResourceRef,
  data: JsonValue,
): EventDraft {
  return {
    specversion: "1.0",
    id,
    source,
    type,
    subject: subjectOf(kind, name),
    resourceid: resourceId(name, uid),
    ...(time === undefined ? {} : { time }),
    datacontenttype: "application/json",
    data,
  };
}
