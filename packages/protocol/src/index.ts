export { checkAgentName, isAgentName } from "./agent-name.js";
export { ABNORMAL_CLOSURE, CLOSE_CODES, isCleanClose, type CloseCode } from "./close-codes.js";
export { CLOSE_EVENT_TYPE, encodeClose, parseClose, type Close } from "./close-event.js";
export type { Codec } from "./codec.js";
export {
  CONTROL_TYPE_PREFIX,
  PROTOCOL_VERSIONS,
  type Ack,
  type ControlMessage,
  type ControlType,
  type Drain,
  type EventKey,
  type GoodbyeAck,
  type Goodbye,
  type Heartbeat,
  type Hello,
  type KnownStore,
  type Nack,
  type ProtocolVersion,
  type Refuse,
  type Welcome,
} from "./control.js";
export { encodeControl, type ControlEnvelope } from "./control-codec.js";
export { jsonOf } from "./data.js";
export { checkDraft } from "./draft.js";
export {
  CLOSE_CODE_BY_ERROR,
  ERROR_CODES,
  HawserError,
  isErrorCode,
  startedTwice,
  thrownText,
  type ErrorCode,
  type ErrorContext,
  type HawserErrorOptions,
} from "./errors.js";
export {
  EVENT_TYPES,
  eventClass,
  OUTPUT_REQUEST_TYPE,
  RESERVED_TYPE_PREFIX,
  supersedes,
  type CloudEvent,
  type EventClass,
  type EventDraft,
  type ExtensionValue,
  type HawserEvent,
  type JsonValue,
} from "./event.js";
export { numberProblem, parseExactJson, positionOf, type TextPosition } from "./exact-json.js";
export {
  CLOSE_CODE_BY_GRPC_STATUS,
  closeCodeFor,
  errorCodeForClose,
  GRPC_CLOSE_CODE_TRAILER,
  GRPC_STATUS_BY_CLOSE_CODE,
} from "./close-mapping.js";
export { eventFromJson, jsonCodec } from "./json-codec.js";
export { checkOptionNames, type OptionNames } from "./known-options.js";
export type { DataInput, JsonInput, JsonLike, JsonObjectLike, NotJson } from "./json-input.js";
export { leastJsonBytes, sizeOf, type ValueSize } from "./json-size.js";
export {
  defineKind,
  unchecked,
  type AnyKind,
  type Kind,
  type SchemaInput,
  type SchemaOutput,
  type SpecInputOf,
  type SpecOf,
  type StatusInputOf,
  type StatusOf,
  type TakesJson,
} from "./kind.js";
export { checkBytes, checkWindow } from "./check-window.js";
export { DEFAULT_TIMING, DEFAULT_WINDOW, DEFAULT_WINDOW_BYTES, LIMITS } from "./limits.js";
export {
  outputLineBytes,
  outputRequestEvent,
  parseOutputRequest,
  parseOutputWindow,
  type OutputPosition,
  type OutputRequest,
  type OutputRequestOptions,
  type OutputWindow,
} from "./output.js";
export { nackKey, parseMessage, type Message } from "./parse-message.js";
export { protobufBatchCodec, type BatchCodec } from "./protobuf-batch-codec.js";
export { protobufCodec } from "./protobuf-codec.js";
export {
  parseDeleteData,
  parseSpecData,
  parseStatusData,
  type DeleteData,
  type SpecData,
  type StatusData,
} from "./resource-data.js";
export {
  deleteEvent,
  specEvent,
  statusEvent,
  type DeleteEventOptions,
  type ResourceRef,
  type SpecEventOptions,
  type StatusEventOptions,
} from "./resource-events.js";
export {
  isResourceKind,
  parseResourceId,
  parseSubject,
  resourceId,
  subjectOf,
  type ResourceId,
  type Subject,
} from "./resource-id.js";
export { overloaded, parseRetryAfter, retryAfterOf, type RetryAfter } from "./retry-after.js";
export {
  checkAgainst,
  MAX_SCHEMA_ISSUES,
  misfitText,
  type Checked,
  type SchemaIssue,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from "./schema.js";
export { sendProblem } from "./sendable.js";
export { plainEvent, type EventInput, type SdkCloudEvent } from "./sdk-event.js";
export { closeReason, cutText } from "./text.js";
export { parseTraceContext, traceContextOf, withTraceContext, type TraceContext } from "./trace-context.js";
export { formatSettled, formatVersion, parseSettled, parseVersion } from "./version.js";
