import type { ErrorCode } from "@hawser/protocol";
import { ServedGrpc } from "../served-grpc.js";
import { closedByPrincipal, NOTHING, REFUSED_MS, type ReconnectCase } from "./reconnect-case.js";

/** Turned away before the welcome: `refuse`, then the close. */
function refusal(
  code: ErrorCode,
  closeCode: number,
  grpcStatus: number,
  retryAfterMs?: number,
): Pick<ReconnectCase, "end" | "wire"> {
  const retry = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs };
  return {
    end: ({ call }) => {
      call.say({ type: "refuse", code, message: "not you", ...retry });
      call.close(closeCode, "not you");
    },
    wire: closedByPrincipal(closeCode, grpcStatus, "not you"),
  };
}

const slotted = (
  code: "overloaded" | "draining",
  closeCode: number,
  askedMs: number,
  delayMs: number,
): ReconnectCase => ({
  row: "slot",
  name: `refuse ${code} with ${askedMs} ms`,
  ...refusal(code, closeCode, 14, askedMs),
  next: { delayMs, code, level: "warn", says: "asked to come back: not you" },
});

const dialSlot = (
  status: number,
  headers: Readonly<Record<string, string>>,
  on: "WebSocket" | "gRPC",
  delayMs: number,
): ReconnectCase => ({
  row: "slot",
  name: `a dial answered with ${status} ${JSON.stringify(headers)}`,
  on,
  answer: { status, headers },
  wire: NOTHING,
  next: { delayMs, code: "overloaded", level: "warn", says: "asked to come back" },
});

export const SLOTS: readonly ReconnectCase[] = [
  slotted("overloaded", 1013, 5_200, 5_200),
  slotted("draining", 1012, 11_800, 11_800),
  slotted("overloaded", 1013, 0, 250),
  slotted("overloaded", 1013, 7_200_000, 3_600_000),
  dialSlot(503, { "hawser-retry-after-ms": "5200", "retry-after": "6" }, "WebSocket", 5_200),
  dialSlot(429, { "hawser-retry-after-ms": "1" }, "WebSocket", 250),
  dialSlot(200, { "grpc-status": "14", "grpc-retry-pushback-ms": "5200" }, "gRPC", 5_200),
  dialSlot(200, { "grpc-status": "8", "grpc-retry-pushback-ms": "1" }, "gRPC", 250),
];

// With every draw one half: d + min(30,000, max(250, d/10)) / 2.
const forEverybody = (status: number, seconds: number, delayMs: number): ReconnectCase => ({
  row: "everybody",
  name: `HTTP ${status} with Retry-After: ${seconds}`,
  answer: { status, headers: { "retry-after": String(seconds) } },
  wire: NOTHING,
  next: { delayMs, code: "overloaded", level: "warn", says: "asked to come back" },
});

export const TIMES_FOR_EVERYBODY: readonly ReconnectCase[] = [
  forEverybody(503, 2, 2_125),
  forEverybody(429, 60, 63_000),
  forEverybody(503, 0, 250),
  forEverybody(503, 3_600, 3_615_000),
];

const REMEDIES = {
  unauthenticated: "Give this agent a credential",
  forbidden: "belongs to another agent",
  invalid_agent_name: "Change the agent's name",
  unsupported_version: "update the older one",
  store_rolled_back: "run 'hawser adopt'",
  agent_removed: "run 'hawser agents readmit NAME'",
} as const;
type RefusalCode = keyof typeof REMEDIES;

const loud = (code: RefusalCode, why: string): ReconnectCase["next"] => ({
  delayMs: REFUSED_MS,
  code,
  level: "error",
  says: [`refused: ${code}: `, why, REMEDIES[code]],
});

const refusedWith = (code: RefusalCode, closeCode: number, grpcStatus: number): ReconnectCase => ({
  row: "refused",
  name: `refuse ${code}`,
  ...refusal(code, closeCode, grpcStatus),
  next: loud(code, "not you"),
});

const closedWith = (code: RefusalCode, closeCode: number, grpcStatus: number): ReconnectCase => ({
  row: "refused",
  name: `closed with ${closeCode} in the midst of a session`,
  livedMs: 60_000,
  end: ({ call }) => call.close(closeCode, "not you"),
  wire: closedByPrincipal(closeCode, grpcStatus, "not you"),
  next: loud(code, `${closeCode}: not you`),
});

const dialRefused = (code: RefusalCode, status: number, grpcStatus?: number): ReconnectCase => ({
  row: "refused",
  name:
    grpcStatus === undefined
      ? `a dial answered with HTTP ${status}`
      : `a dial answered with gRPC status ${grpcStatus}`,
  ...(grpcStatus === undefined ? {} : { on: "gRPC" }),
  answer: { status, ...(grpcStatus === undefined ? {} : { headers: { "grpc-status": String(grpcStatus) } }) },
  wire: NOTHING,
  next: loud(code, grpcStatus === undefined ? "" : "closed the connection with 400"),
});

const proxyStatus = (code: RefusalCode, grpcStatus: number): ReconnectCase => ({
  row: "refused",
  name: `gRPC status ${grpcStatus} of a proxy`,
  on: "gRPC",
  end: ({ call }) => {
    if (call instanceof ServedGrpc) call.status(grpcStatus, "");
  },
  wire: { WebSocket: [], gRPC: [`principal: grpc-status ${grpcStatus} ""`, "agent: end of stream"] },
  next: loud(code, "closed the connection with 400"),
});

export const REFUSALS: readonly ReconnectCase[] = [
  refusedWith("unauthenticated", 4003, 16),
  refusedWith("forbidden", 4004, 7),
  refusedWith("invalid_agent_name", 4004, 7),
  refusedWith("unsupported_version", 4005, 9),
  closedWith("unauthenticated", 4003, 16),
  closedWith("forbidden", 4004, 7),
  closedWith("unsupported_version", 4005, 9),
  refusedWith("store_rolled_back", 4010, 15),
  closedWith("store_rolled_back", 4010, 15),
  refusedWith("agent_removed", 4011, 5),
  closedWith("agent_removed", 4011, 5),
  {
    row: "refused",
    name: "refuse unauthenticated with a time beyond the own",
    ...refusal("unauthenticated", 4003, 16, 1_000_000),
    next: { ...loud("unauthenticated", "not you"), delayMs: 1_015_000 },
  },
  dialRefused("unauthenticated", 401),
  dialRefused("forbidden", 403),
  dialRefused("unauthenticated", 200, 16),
  dialRefused("forbidden", 200, 7),
  proxyStatus("unauthenticated", 16),
  proxyStatus("forbidden", 7),
];
