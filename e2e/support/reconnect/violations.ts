import { LIMITS } from "@hawser/protocol";
import { grpcMessage } from "../raw-grpc.js";
import { OPCODE, unmasked, wsCrumbs, wsFrame } from "../raw-websocket.js";
import type { Wire } from "./reconnect-case.js";

/** Bytes that no peer may send, and what they are answered with. */
export interface Violation {
  readonly code: number;
  readonly name: string;
  /** The wires on which it can be said: frames of a client, and with which reason the other side closes. */
  readonly on: Partial<
    Readonly<Record<Wire, { readonly bytes: readonly Buffer[]; readonly reason: string }>>
  >;
}

const { maxFrameBytes } = LIMITS;

export const VIOLATIONS: readonly Violation[] = [
  {
    code: 1003,
    name: "bytes where text was agreed",
    on: {
      WebSocket: { bytes: [wsFrame(OPCODE.binary, "{}")], reason: "This subprotocol uses text messages." },
    },
  },
  {
    code: 1007,
    name: "a message that is none",
    on: {
      WebSocket: { bytes: [wsFrame(OPCODE.text, "{,}")], reason: "the event is not JSON" },
      gRPC: {
        bytes: [grpcMessage(Buffer.from([0xff, 0xff, 0xff, 0xff]))],
        reason:
          "the frame is not a protobuf message: a field that is longer than what is left of its message, at byte 4",
      },
    },
  },
  {
    code: 1008,
    name: "a message in crumbs",
    on: { WebSocket: { bytes: wsCrumbs(2_049), reason: "a message in too many pieces" } },
  },
  {
    code: 1009,
    name: "a message above the limit",
    on: {
      WebSocket: {
        bytes: [wsFrame(OPCODE.text, "{", maxFrameBytes + 1)],
        reason: `a message may have at most ${maxFrameBytes} bytes`,
      },
      gRPC: {
        bytes: [grpcMessage(Buffer.alloc(maxFrameBytes + 1))],
        reason: `A message of ${maxFrameBytes + 1} bytes is above the limit of ${maxFrameBytes}.`,
      },
    },
  },
];

/** The same as a server sends it. */
export function asServer({ on }: Violation, wire: Wire): Buffer {
  const bytes = on[wire]?.bytes ?? [];
  return Buffer.concat(wire === "gRPC" ? bytes : bytes.map(unmasked));
}
