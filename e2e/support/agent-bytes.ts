import { encodeControl, jsonCodec, type CloudEvent, type ControlMessage, type Hello } from "@hawser/protocol";
import { OPCODE, wsFrame } from "./raw-websocket.js";

/** The request for a WebSocket of `cloudevents.json`. */
export function upgradeBytes(headers: Readonly<Record<string, string>> = {}): Buffer {
  const lines = Object.entries({
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "cloudevents.json",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET /v1/connect HTTP/1.1\r\n${lines.join("")}\r\n`);
}

/** A control message of this agent, as a frame. */
export function controlBytes(agent: string, message: ControlMessage): Buffer {
  return eventBytes(encodeControl(message, { id: "c", source: `/agents/${agent}` }));
}

export function eventBytes(event: CloudEvent): Buffer {
  return wsFrame(OPCODE.text, jsonCodec.encode(event));
}

/** What is heard once a session is open. */
export const WELCOME = "hawser.control.welcome.v1";

/** What opens a session, without waiting for any answer. */
export function sessionBytes(agent: string, hello: Partial<Hello> = {}, authorization?: string): Buffer {
  return Buffer.concat([
    upgradeBytes(authorization === undefined ? {} : { Authorization: authorization }),
    controlBytes(agent, {
      type: "hello",
      agent,
      protocol_versions: ["1"],
      store: `store-of-${agent}`,
      window: 256,
      settled: "0",
      software: "hostile",
      ...hello,
    }),
  ]);
}
