import {
  closedByAgent,
  closedByPrincipal,
  failureMs,
  type ReconnectCase,
  type OpenCall,
} from "./reconnect-case.js";
import { ServedGrpc } from "../served-grpc.js";

/** What a session has to live for its clean end to be taken at its word. */
const LONG_ENOUGH_MS = 5_000;

/** The agent has said goodbye: it is let go. */
async function letGo({ call, time }: OpenCall): Promise<void> {
  await time.until("the agent says goodbye", () => call.heard("goodbye"));
  call.say({ type: "goodbye_ack" });
}

async function rotate(open: OpenCall): Promise<void> {
  if (!open.agent.rotate()) throw new Error("there was no session to renew");
  await letGo(open);
}

async function drain(open: OpenCall, slotMs: number): Promise<void> {
  open.call.say({ type: "drain", reason: "deploy", window_ms: 30_000, reconnect_after_ms: slotMs });
  await open.time.until("the agent says goodbye", () => open.call.heard("goodbye"));
}

async function drainAndLetGo(open: OpenCall, slotMs: number): Promise<void> {
  await drain(open, slotMs);
  open.call.say({ type: "goodbye_ack" });
}

const AT_ONCE = { delayMs: 0, level: "info" } as const;

export const CLEAN_ENDS: readonly ReconnectCase[] = [
  {
    row: "clean",
    name: "own rotation",
    livedMs: LONG_ENOUGH_MS,
    end: rotate,
    wire: closedByAgent(1000, "rotation"),
    next: { ...AT_ONCE, says: "rotation" },
  },
  {
    row: "clean",
    name: "own rotation when it is due",
    // In the middle of 15 to 45 minutes, as every draw is.
    livedMs: 30 * 60_000,
    end: letGo,
    wire: closedByAgent(1000, "rotation"),
    next: { ...AT_ONCE, says: "rotation" },
  },
  ...[1000, 1001].map(
    (code): ReconnectCase => ({
      row: "clean",
      name: `closed with ${code}`,
      livedMs: LONG_ENOUGH_MS,
      end: ({ call }) => call.close(code, "bye"),
      wire: closedByPrincipal(code, 0, "bye"),
      next: { ...AT_ONCE, says: "ended cleanly" },
    }),
  ),
  {
    row: "clean",
    name: "status OK of a proxy",
    on: "gRPC",
    livedMs: LONG_ENOUGH_MS,
    end: ({ call }) => {
      if (call instanceof ServedGrpc) call.status(0, "");
    },
    wire: { WebSocket: [], gRPC: ['principal: grpc-status 0 ""', "agent: end of stream"] },
    next: { ...AT_ONCE, says: "ended cleanly" },
  },
  {
    row: "clean",
    name: "asked to go by GOAWAY, then lost before it had gone",
    on: "gRPC",
    livedMs: LONG_ENOUGH_MS,
    end: async ({ call, time }) => {
      if (call instanceof ServedGrpc) call.retire();
      await time.untilInTime("the agent says goodbye", () => call.heard("goodbye"));
      call.drop("RST");
    },
    wire: { WebSocket: [], gRPC: ["principal: GOAWAY 0, and goes on", "principal: RST"] },
    next: { ...AT_ONCE, says: "rotation" },
  },
  {
    row: "clean",
    name: "own rotation of a short session",
    livedMs: LONG_ENOUGH_MS - 1,
    end: rotate,
    wire: closedByAgent(1000, "rotation"),
    next: { delayMs: failureMs(1), level: "info", says: "after only 4999 ms" },
  },
  ...[1000, 1001].map(
    (code): ReconnectCase => ({
      row: "clean",
      name: `a short session closed with ${code}`,
      livedMs: LONG_ENOUGH_MS - 1,
      end: ({ call }) => call.close(code, "bye"),
      wire: closedByPrincipal(code, 0, "bye"),
      next: { delayMs: failureMs(1), level: "info", says: "after only 4999 ms" },
    }),
  ),
];

export const DRAINS: readonly ReconnectCase[] = [
  {
    row: "drained",
    name: "a slot",
    livedMs: LONG_ENOUGH_MS,
    end: (open) => drainAndLetGo(open, 11_800),
    wire: closedByAgent(1000, "drain"),
    next: { delayMs: 11_800, level: "info", says: "slot at 11800 ms of 30000 ms" },
  },
  {
    row: "drained",
    name: "a slot, of which leaving takes some",
    livedMs: LONG_ENOUGH_MS,
    end: async (open) => {
      await drain(open, 11_800);
      await open.time.advance(1_500);
      open.call.say({ type: "goodbye_ack" });
    },
    wire: closedByAgent(1000, "drain"),
    next: { delayMs: 10_300, level: "info", says: "slot at 10300 ms" },
  },
  {
    row: "drained",
    name: "a slot, then a reset",
    livedMs: LONG_ENOUGH_MS,
    end: async (open) => {
      await drain(open, 11_800);
      open.call.drop("RST");
    },
    wire: { WebSocket: ["principal: RST"], gRPC: ["principal: RST"] },
    next: { delayMs: 11_800, level: "info", says: "slot at 11800 ms" },
  },
  {
    row: "drained",
    name: "slot 0",
    livedMs: LONG_ENOUGH_MS,
    end: (open) => drainAndLetGo(open, 0),
    wire: closedByAgent(1000, "drain"),
    next: { ...AT_ONCE, says: "slot at 0 ms" },
  },
  {
    row: "drained",
    name: "slot 0 of a short session",
    livedMs: LONG_ENOUGH_MS - 1,
    end: (open) => drainAndLetGo(open, 0),
    wire: closedByAgent(1000, "drain"),
    next: { delayMs: 250, level: "info", says: "slot at 0 ms" },
  },
];
