import type { ErrorCode } from "@hawser/protocol";

/** The HTTP status of each error code, for answers of the API. */
export const STATUS_BY_CODE: Readonly<Record<ErrorCode, number>> = {
  // What the client sent is not right; sending it again does not help.
  invalid_event: 400,
  missing_resourceid: 400,
  invalid_eventid: 400,
  unknown_type: 400,
  invalid_message: 400,
  invalid_agent_name: 400,
  unsupported_version: 400,
  unsupported_subprotocol: 400,
  expired: 400,
  event_too_large: 413,
  frame_too_large: 413,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  agent_removed: 410,
  handler_rejected: 422,
  // Correct requests that may succeed later. A full mailbox limits one agent, so it is 429, not
  // 503.
  mailbox_full: 429,
  draining: 503,
  overloaded: 503,
  store_unavailable: 503,
  store_full: 507,
  timeout: 504,
  // The request was cut off; nobody reads this answer.
  connection_closed: 400,
  aborted: 503,
  // About agents' connections and this process: an API answer with one of these shows a fault here.
  inbox_full: 500,
  window_exceeded: 500,
  slow_consumer: 500,
  handshake_timeout: 500,
  heartbeat_timeout: 500,
  superseded: 500,
  store_corrupt: 500,
  store_rolled_back: 500,
  no_handler: 500,
  kind_disabled: 500,
  handler_failed: 500,
  port_in_use: 500,
  address_unavailable: 500,
  connection_failed: 500,
  invalid_config: 500,
  invalid_state: 500,
  internal: 500,
};

/** Seconds until a client should retry, where that helps (RFC 9110, section 10.2.3). */
export const RETRY_AFTER_SECONDS: Readonly<Partial<Record<ErrorCode, number>>> = {
  mailbox_full: 5,
  draining: 5,
  overloaded: 5,
  store_full: 60,
  store_unavailable: 1,
  aborted: 1,
};
