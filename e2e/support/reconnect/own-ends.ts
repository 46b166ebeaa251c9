import { failure, LIVED_MS } from "./failures.js";
import { closedByAgent, NOTHING, type ReconnectCase, type Scene } from "./reconnect-case.js";

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
export const OWN_ENDS: readonly ReconnectCase[] = [
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
