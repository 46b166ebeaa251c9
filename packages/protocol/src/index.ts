export { ABNORMAL_CLOSURE, CLOSE_CODES, isCleanClose, type CloseCode } from "./close-codes.js";
export type { Codec } from "./codec.js";
export {
  CONTROL_TYPE_PREFIX,
  PROTOCOL_VERSIONS,
  type Ack,
  type ControlMessage,
  type ControlType,
  type Drain,
  type EventKey,
  type Farewell,
  type Goodbye,
  type Heartbeat,
  type Hello,
  type Nack,
  type ProtocolVersion,
  type Refuse,
  type Welcome,
} from "./control.js";
export {
  ERROR_CODES,
  HawserError,
  isErrorCode,
  type ErrorCode,
  type ErrorContext,
  type HawserErrorOptions,
} from "./errors.js";
export {
  EVENT_TYPES,
  eventClass,
  RESERVED_TYPE_PREFIX,
  supersedes,
  type CloudEvent,
  type EventClass,
  type EventDraft,
  type ExtensionValue,
  type HawserEvent,
  type JsonValue,
} from "./event.js";
export { jsonCodec } from "./json-codec.js";
export { DEFAULT_TIMING, DEFAULT_WINDOW, LIMITS } from "./limits.js";
export { protobufCodec } from "./protobuf-codec.js";
export { closeReason } from "./text.js";
