import { errorCodeForClose, HawserError } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { breakStore } from "../broken-store.js";
import { ServedGrpc } from "../served-grpc.js";
import { failure, LIVED_MS } from "./failures.js";
import { BACKLOG, backlogNo, eventNo, NARROW, Objector, WIDE_WINDOW } from "./hanging-reader.js";
import {
  closedByAgent,
  NOTHING,
  REFUSED_MS,
  WIRES,
  type ReconnectCase,
  type OpenCall,
} from "./reconnect-case.js";
import { asServer, VIOLATIONS, type Violation } from "./violations.js";

/** A welcome with the terms of every day, and then not another word: 60 s and a draw of the same size. */
async function fallSilent({ call, agent, time }: OpenCall): Promise<void> {
  call.welcome();
  await time.until("the agent is connected", () => agent.state.kind === "connected" || undefined);
  await time.advance(90_000 - 1);
  if (call.wire.length > 0) throw new Error(`too early: ${call.wire.join()}`);
  await time.advance(1);
}

const violated = (violation: Violation): ReconnectCase => {
  const { code, name, on } = violation;
  const [only, ...more] = WIRES.filter((wire) => on[wire] !== undefined);
  return {
    row: "failed",
    name,
    ...(only === undefined || more.length > 0 ? {} : { on: only }),
    livedMs: LIVED_MS,
    end: ({ call }) => call.sendBytes(asServer(violation, call instanceof ServedGrpc ? "gRPC" : "WebSocket")),
    wire: {
      WebSocket: closedByAgent(code, on.WebSocket?.reason ?? "").WebSocket,
      // The agent wants nothing more of the whole HTTP/2 connection.
      gRPC: ["agent: GOAWAY 0", ...closedByAgent(code, on.gRPC?.reason ?? "").gRPC],
    },
    next: failure(errorCodeForClose(code) ?? "internal"),
  };
};

const WINDOW = 4;
/** Twice the window is borne with; this is one more. */
function overrun({ call }: OpenCall): void {
  for (let n = 0; n <= 2 * WINDOW; n += 1) call.send(eventNo(n));
}

/** The principal hangs: what the agent has for it stays with the agent, and then come its answers to what the principal goes on to say. */
function hanging(): Pick<ReconnectCase, "parts" | "end"> {
  let objector = new Objector();
  return {
    parts: () => {
      objector = new Objector();
      return { onEvent: objector.onEvent, limits: NARROW };
    },
    end: async ({ call, agent, time }) => {
      call.welcome({ window: WIDE_WINDOW });
      await time.until("the agent is connected", () => agent.state.kind === "connected" || undefined);
      call.pause();
      for (let n = 0; n < BACKLOG; n += 1) await agent.publish(backlogNo(n));
      await objector.provoke(
        (event) => call.send(event),
        (what, done) => time.until(what, done),
        () => agent.state.kind !== "connected",
      );
    },
  };
}

/** What the agent ends by itself. */
export const OWN_ENDS: readonly ReconnectCase[] = [
  {
    row: "failed",
    name: "heartbeats missing",
    end: fallSilent,
    wire: { WebSocket: ["agent: FIN"], gRPC: ["agent: RST_STREAM 8"] },
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
  ...VIOLATIONS.map(violated),
  {
    row: "failed",
    name: "more events than twice its window",
    parts: () => ({ window: WINDOW, onEvent: () => new Promise<void>(() => {}) }),
    livedMs: LIVED_MS,
    end: overrun,
    wire: closedByAgent(
      4006,
      `the peer sent more than ${WINDOW} events without waiting for ACKs; it must keep to the announced window`,
    ),
    next: failure("window_exceeded", "announced window"),
  },
  {
    row: "failed",
    name: "a principal that does not read",
    ...hanging(),
    wire: { WebSocket: [], gRPC: ["agent: RST_STREAM 8"] },
    next: failure("slow_consumer", "bytes unread"),
  },
  {
    row: "refused",
    name: "a store that is an older copy",
    parts: () => ({
      store: breakStore(createMemoryStore(), {
        open: () => new HawserError("store_rolled_back", "the backup of yesterday"),
      }),
    }),
    end: ({ call }) => call.welcome(),
    wire: closedByAgent(4010, "the backup of yesterday"),
    next: { ...failure("store_rolled_back"), delayMs: REFUSED_MS, level: "error" },
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
  ...defined({ on }),
  answer: { status },
  wire: NOTHING,
  next: failure("connection_failed", String(status)),
});

export const FAILED_DIALS: readonly ReconnectCase[] = [
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
