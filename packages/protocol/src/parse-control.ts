import { checkAgentName } from "./agent-name.js";
import * as field from "./control-fields.js";
import {
  CONTROL_TYPE_PREFIX,
  PROTOCOL_VERSIONS,
  type Ack,
  type ControlMessage,
  type Drain,
  type EventKey,
  type Goodbye,
  type Hello,
  type KnownStore,
  type Nack,
  type ProtocolVersion,
  type Refuse,
  type Welcome,
} from "./control.js";
import { HawserError } from "./errors.js";
import type { CloudEvent } from "./event.js";
import { LIMITS } from "./limits.js";
import { quote } from "./text.js";
import { versionOf } from "./version.js";

/**
 * The control message in an event of type `hawser.control.*`. Unknown fields are ignored.
 * @throws HawserError `unknown_type`, `invalid_message`, `invalid_agent_name` or
 *   `unsupported_version`
 */
export function parseControl(event: CloudEvent): ControlMessage {
  const name = controlName(event.type);
  const fields = fieldsOf(event);
  switch (name) {
    case "ack":
      return parseAck(fields);
    case "heartbeat":
      return { type: "heartbeat", settled: field.settled(fields) };
    case "nack":
      return parseNack(fields);
    case "hello":
      return parseHello(fields);
    case "welcome":
      return parseWelcome(fields);
    case "refuse":
      return parseRefuse(fields);
    case "goodbye":
      return { type: "goodbye", reason: parseGoodbyeReason(fields["reason"]) };
    case "goodbye_ack":
      return { type: "goodbye_ack" };
    case "drain":
      return parseDrain(fields);
    default:
      throw new HawserError("unknown_type", `there is no control message ${quote(event.type)}`);
  }
}

function controlName(type: string): string | undefined {
  return type.endsWith(".v1") ? type.slice(CONTROL_TYPE_PREFIX.length, -".v1".length) : undefined;
}

function fieldsOf({ type, data }: CloudEvent): field.Fields {
  if (field.isFields(data)) return data;
  throw new HawserError("invalid_message", `the data of ${quote(type)} must be a JSON object`);
}

/** ACKs are frequent: one pass over the keys, each checked in place. */
function parseAck(fields: field.Fields): Ack {
  const keys: unknown = fields["acks"];
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > LIMITS.maxAcksPerFrame) {
    throw field.invalidMessage("acks", `must list 1 to ${LIMITS.maxAcksPerFrame} events`);
  }
  const acks = keys.map(parseKey);
  if (field.isAbsent(fields, "recorded")) return { type: "ack", acks };
  return { type: "ack", acks, recorded: field.integer(fields, "recorded", 0, Number.MAX_SAFE_INTEGER) };
}

function parseKey(value: unknown): EventKey {
  if (typeof value !== "object" || value === null) throw field.invalidMessage("acks", "must list objects");
  const resourceid: unknown = "resourceid" in value ? value.resourceid : undefined;
  const eventid: unknown = "eventid" in value ? value.eventid : undefined;
  if (typeof resourceid !== "string" || resourceid === "" || resourceid.length > LIMITS.maxResourceIdLength) {
    throw field.invalidMessage(
      "acks",
      `has a resourceid that is not a string of 1 to ${LIMITS.maxResourceIdLength} characters`,
    );
  }
  if (typeof eventid !== "string" || versionOf(eventid) === undefined) {
    throw field.invalidMessage("acks", `has an eventid that is not a version: ${quote(eventid)}`);
  }
  return { resourceid, eventid };
}

function parseHello(fields: field.Fields): Hello {
  const known = parseKnown(fields);
  return {
    type: "hello",
    agent: checkAgentName(fields["agent"]),
    protocol_versions: parseVersions(fields["protocol_versions"]),
    store: field.token(fields, "store"),
    window: field.integer(fields, "window", 1, LIMITS.maxWindow),
    ...windowBytes(fields),
    settled: field.settled(fields),
    software: field.text(fields, "software", LIMITS.maxReasonLength),
    ...(known === undefined ? {} : { known }),
  };
}

function windowBytes(fields: field.Fields): { readonly window_bytes?: number } {
  if (field.isAbsent(fields, "window_bytes")) return {};
  return { window_bytes: field.integer(fields, "window_bytes", 1, Number.MAX_SAFE_INTEGER) };
}

function parseKnown(fields: field.Fields): KnownStore | undefined {
  if (field.isAbsent(fields, "known")) return undefined;
  const { known } = fields;
  if (!field.isFields(known)) throw field.invalidMessage("known", `must be an object, not ${quote(known)}`);
  return {
    store: field.token(known, "store"),
    epoch: field.integer(known, "epoch", 0, Number.MAX_SAFE_INTEGER),
    eventid: field.settled(known, "eventid"),
    recorded: field.integer(known, "recorded", 0, Number.MAX_SAFE_INTEGER),
  };
}

function parseVersions(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > LIMITS.maxProtocolVersions) {
    throw field.invalidMessage("protocol_versions", `must list 1 to ${LIMITS.maxProtocolVersions} versions`);
  }
  return value.map((version: unknown) => field.token({ protocol_versions: version }, "protocol_versions"));
}

function parseWelcome(fields: field.Fields): Welcome {
  const interval = field.duration(fields, "heartbeat_interval_ms", LIMITS.minHeartbeatIntervalMs);
  const known = parseKnown(fields);
  return {
    type: "welcome",
    protocol_version: parseProtocolVersion(fields["protocol_version"]),
    session_id: field.token(fields, "session_id"),
    epoch: field.integer(fields, "epoch", 1, Number.MAX_SAFE_INTEGER),
    store: field.token(fields, "store"),
    window: field.integer(fields, "window", 1, LIMITS.maxWindow),
    settled: field.settled(fields),
    heartbeat_interval_ms: interval,
    heartbeat_timeout_ms: field.duration(fields, "heartbeat_timeout_ms", interval),
    software: field.text(fields, "software", LIMITS.maxReasonLength),
    ...windowBytes(fields),
    ...(known === undefined ? {} : { known }),
  };
}

function parseProtocolVersion(value: unknown): ProtocolVersion {
  const known = PROTOCOL_VERSIONS.find((version) => version === value);
  if (known !== undefined) return known;
  throw new HawserError(
    "unsupported_version",
    `the principal chose protocol version ${quote(value)}, which was not offered; update one side`,
  );
}

function parseRefuse(fields: field.Fields): Refuse {
  const refuse: Refuse = { type: "refuse", ...field.codeAndMessage(fields) };
  if (field.isAbsent(fields, "retry_after_ms")) return refuse;
  return { ...refuse, retry_after_ms: field.duration(fields, "retry_after_ms") };
}

function parseNack(fields: field.Fields): Nack {
  const resourceid = field.token(fields, "resourceid", LIMITS.maxResourceIdLength);
  const eventid = fields["eventid"];
  if (typeof eventid !== "string" || versionOf(eventid) === undefined) {
    throw field.invalidMessage("eventid", `is not a version: ${quote(eventid)}`);
  }
  const retryable = field.boolean(fields, "retryable");
  return { type: "nack", resourceid, eventid, retryable, ...field.codeAndMessage(fields) };
}

function parseGoodbyeReason(value: unknown): Goodbye["reason"] {
  switch (value) {
    case "rotation":
    case "drain":
    case "stopping":
      return value;
    default:
      throw field.invalidMessage("reason", `must be rotation, drain or stopping, not ${quote(value)}`);
  }
}

function parseDrain(fields: field.Fields): Drain {
  return {
    type: "drain",
    reason: field.text(fields, "reason", LIMITS.maxReasonLength),
    window_ms: field.duration(fields, "window_ms"),
    reconnect_after_ms: field.duration(fields, "reconnect_after_ms"),
  };
}
