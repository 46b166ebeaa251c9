import type { ErrorCode } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { ServedGrpc } from "../served-grpc.js";
import { closedByPrincipal, failureMs, type ReconnectCase } from "./reconnect-case.js";

export const LIVED_MS = 30_000;

export const failure = (code: ErrorCode, says: string = code): ReconnectCase["next"] => ({
  delayMs: failureMs(1),
  code,
  level: "warn",
  says,
});

export const SUPERSEDED: readonly ReconnectCase[] = [
  {
    row: "superseded",
    name: "closed with 4002",
    livedMs: LIVED_MS,
    end: ({ call }) => call.close(4002, "taken over"),
    wire: closedByPrincipal(4002, 10, "taken over"),
    next: {
      delayMs: failureMs(1),
      code: "superseded",
      level: "error",
      says: "Two agents run under one name",
    },
  },
];

const closedWith = (closeCode: number, grpcStatus: number, code: ErrorCode): ReconnectCase => ({
  row: "failed",
  name: `closed with ${closeCode}`,
  livedMs: LIVED_MS,
  end: ({ call }) => call.close(closeCode, "why"),
  wire: closedByPrincipal(closeCode, grpcStatus, "why"),
  next: failure(code, `closed the connection with ${closeCode}: why`),
});

/** Every close code that is no row of its own, with its gRPC status and what it means; two that nobody has defined. */
const CODES: readonly ReconnectCase[] = [
  closedWith(1002, 3, "invalid_message"),
  closedWith(1003, 3, "unsupported_subprotocol"),
  closedWith(1007, 3, "invalid_event"),
  closedWith(1008, 7, "forbidden"),
  closedWith(1009, 8, "frame_too_large"),
  closedWith(1011, 13, "internal"),
  closedWith(1012, 14, "draining"),
  closedWith(1013, 14, "overloaded"),
  closedWith(4000, 4, "handshake_timeout"),
  closedWith(4001, 4, "heartbeat_timeout"),
  closedWith(4006, 8, "window_exceeded"),
  closedWith(4007, 8, "slow_consumer"),
  closedWith(4008, 8, "store_full"),
  closedWith(4009, 14, "store_unavailable"),
  closedWith(3000, 14, "connection_closed"),
  closedWith(4999, 14, "connection_closed"),
];

const lost = (how: "FIN" | "RST", livedMs?: number): ReconnectCase => ({
  row: "failed",
  name: `lost by a ${how} ${livedMs === undefined ? "before the welcome" : "in the midst of a session"}`,
  ...defined({ livedMs }),
  end: ({ call }) => call.drop(how),
  wire: { WebSocket: [`principal: ${how}`], gRPC: [`principal: ${how}`] },
  next: failure("connection_closed"),
});

const onGrpc = (name: string, end: (call: ServedGrpc) => void, said: readonly string[]): ReconnectCase => ({
  row: "failed",
  name,
  on: "gRPC",
  livedMs: LIVED_MS,
  end: ({ call }) => {
    if (call instanceof ServedGrpc) end(call);
  },
  wire: { WebSocket: [], gRPC: said },
  next: failure("connection_closed"),
});

const LOSSES: readonly ReconnectCase[] = [
  lost("RST"),
  lost("FIN"),
  lost("RST", LIVED_MS),
  lost("FIN", LIVED_MS),
  // INTERNAL_ERROR, REFUSED_STREAM, CANCEL. NO_ERROR, which nobody sends without a status before it, is found out by missing heartbeats.
  ...[2, 7, 8].map((code) =>
    onGrpc(`RST_STREAM ${code}`, (call) => call.reset(code), [`principal: RST_STREAM ${code}`]),
  ),
  // NO_ERROR, INTERNAL_ERROR, ENHANCE_YOUR_CALM.
  ...[0, 2, 11].map((code) =>
    onGrpc(`GOAWAY ${code}`, (call) => call.goAway(code), [`principal: GOAWAY ${code}`]),
  ),
  // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE.
  ...[2, 4, 13, 14].map((status) =>
    onGrpc(`gRPC status ${status} of a proxy`, (call) => call.status(status, "upstream"), [
      `principal: grpc-status ${status} "upstream"`,
      "agent: end of stream",
    ]),
  ),
];

export const FAILURES: readonly ReconnectCase[] = [...CODES, ...LOSSES];
