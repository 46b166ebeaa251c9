import type { ControlMessage, ControlType, Hello, Welcome } from "@hawser/protocol";

export const HELLO: Hello = {
  type: "hello",
  agent: "edge-7",
  protocol_versions: ["1"],
  store: "agent-store",
  window: 64,
  settled: "5",
  software: "test-agent/1",
};

export const WELCOME: Welcome = {
  type: "welcome",
  protocol_version: "1",
  session_id: "s-1",
  epoch: 3,
  store: "principal-store",
  window: 128,
  settled: "9",
  heartbeat_interval_ms: 20_000,
  heartbeat_timeout_ms: 60_000,
  software: "test-principal/1",
};

/** One message of each type, as a well-behaved peer would send it. */
export const MESSAGES: { readonly [Type in ControlType]: ControlMessage & { readonly type: Type } } = {
  hello: HELLO,
  welcome: WELCOME,
  refuse: { type: "refuse", code: "overloaded", message: "too many handshakes", retry_after_ms: 4_000 },
  heartbeat: { type: "heartbeat", settled: "12" },
  ack: { type: "ack", acks: [{ resourceid: "web_1", eventid: "1" }] },
  nack: {
    type: "nack",
    resourceid: "web_1",
    eventid: "1",
    retryable: true,
    code: "handler_failed",
    message: "disk busy",
  },
  goodbye: { type: "goodbye", reason: "rotation" },
  goodbye_ack: { type: "goodbye_ack" },
  drain: { type: "drain", reason: "restart", window_ms: 30_000, reconnect_after_ms: 7_000 },
};
