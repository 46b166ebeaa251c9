import { HawserError, thrownText, type CloudEvent, type EventDraft } from "@hawser/protocol";
import { type CloudEventV1, HTTP } from "cloudevents";

/**
 * Reads an event that came over HTTP through the SDK of CloudEvents, once it was found to be a good one, and gives back what was sent.
 *
 * The SDK (10.0.0) alters what it reads, so this is the one place that sets it right; `sdk-event.test.ts` tells when a reason is gone:
 * - `data_base64` becomes a Uint32Array with one byte in each element (its issue 643);
 * - data that is falsy (0, false, "", null) is lost;
 * - `time` is cut to milliseconds, and made up where there is none;
 * - `datacontentencoding` is an attribute of version 0.3 to it: it is lost, and the data are read as base64.
 *
 * @param sent the event as its headers or its JSON have it
 * @throws HawserError `invalid_event` for what the SDK refuses: an attribute `schemaurl`, which is of version 0.3
 */
export function readThroughSdk(
  headers: Readonly<Record<string, string>>,
  body: unknown,
  sent: EventDraft,
): EventDraft {
  const event = toEvent(headers, body);
  const read = Object.keys(sent).flatMap((name) => {
    const value = valueOf(event, name, sent);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...sent, ...Object.fromEntries(read) };
}

/** Undefined for what the SDK alters: it stays as it was sent. */
function valueOf(event: CloudEventV1<unknown>, name: string, sent: EventDraft): CloudEvent[string] {
  if (name === "time" || name === "datacontentencoding") return undefined;
  if (name !== "data") return attributeOf(event[name]);
  const { data } = event;
  return data instanceof Uint32Array && sent.data instanceof Uint8Array ? Uint8Array.from(data) : undefined;
}

function attributeOf(value: unknown): CloudEvent[string] {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}

function toEvent(headers: Readonly<Record<string, string>>, body: unknown): CloudEventV1<unknown> {
  try {
    const event = HTTP.toEvent<unknown>({ headers: { ...headers }, body });
    if (!Array.isArray(event)) return event;
  } catch (cause) {
    const why = thrownText(cause);
    throw new HawserError("invalid_event", `the event cannot be read: ${why}`, { cause });
  }
  throw new HawserError("invalid_event", "the body is a batch, and its content type is that of one event");
}
