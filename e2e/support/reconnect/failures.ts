import type { ErrorCode } from "@hawser/protocol";
import { ServedGrpc } from "../served-grpc.js";
import {
  closedByAgent,
  closedByPrincipal,
  failureMs,
  NOTHING,
  type ReconnectCase,
  type Scene,
} from "./reconnect-case.js";

const LIVED_MS = 30_000;

const failure = (code: ErrorCode, says: string = code): ReconnectCase["next"] => ({
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
  ...(livedMs === undefined ? {} : { livedMs }),
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
  // NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL.
  ...[0, 2, 7, 8].map((code) =>
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
    ]),
  ),
];

/** A welcome with the terms of every day, and then not another word: 60 s and a draw of the same size. */
async function fallSilent({ call, agent, time }: Scene): Promise<void> {
  call.welcome();
  await time.until("the agent is connected", () => agent.state.kind === "connected" || undefined);
  await time.advance(90_000 - 1);
  if (call.wire.length > 0) throw new Error(`too early: ${call.wire.join()}`);
  await time.advance(1);
}

const NO_MESSAGE = "the event is not an io.cloudevents.v1.CloudEvent message: premature EOF";

/** What the agent ends by itself. */
const OWN: readonly ReconnectCase[] = [
  {
    row: "failed",
    name: "heartbeats missing",
    end: fallSilent,
    wire: { WebSocket: ["agent: FIN"], gRPC: ["agent: GOAWAY 0"] },
    next: failure("heartbeat_timeout", "nothing was heard"),
  },
  {
    row: "failed",
    name: "no welcome",
    end: async ({ call, time }) => {
      await time.advance(10_000);
      await time.until("the agent closes", () => call.wire[0]);
    },
    wire: closedByAgent(4000, "no welcome within 10000 ms"),
    next: failure("handshake_timeout", "no welcome within 10000 ms"),
  },
  {
    row: "failed",
    name: "a message that is none",
    livedMs: LIVED_MS,
    end: ({ call }) => call.sendGarbage(),
    wire: {
      WebSocket: closedByAgent(1007, "the event is not JSON").WebSocket,
      // The agent wants nothing more of the whole HTTP/2 connection.
      gRPC: ["agent: GOAWAY 0", ...closedByAgent(1007, NO_MESSAGE).gRPC],
    },
    next: failure("invalid_event"),
  },
  {
    row: "failed",
    name: "a message that is not allowed",
    livedMs: LIVED_MS,
    end: ({ call }) => call.welcome(),
    wire: closedByAgent(1002, "welcome is not allowed while the session is open"),
    next: failure("invalid_message", "welcome is not allowed"),
  },
];

const dialAnswered = (status: number, on?: "WebSocket" | "gRPC"): ReconnectCase => ({
  row: "failed",
  name: `a dial answered with HTTP ${status}`,
  ...(on === undefined ? {} : { on }),
  answer: { status },
  wire: NOTHING,
  next: failure("connection_failed", String(status)),
});

const DIALS: readonly ReconnectCase[] = [
  ...[302, 400, 404, 429, 500, 502, 503, 504].map((status) => dialAnswered(status)),
  ...[2, 12, 14].map(
    (status): ReconnectCase => ({
      ...dialAnswered(200, "gRPC"),
      name: `a dial answered with gRPC status ${status}`,
      answer: { status: 200, headers: { "grpc-status": String(status) } },
      next: failure("connection_failed", `gRPC status ${status}`),
    }),
  ),
];

export const FAILURES: readonly ReconnectCase[] = [...CODES, ...LOSSES, ...OWN, ...DIALS];
