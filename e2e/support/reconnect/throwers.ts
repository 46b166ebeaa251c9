import type { AgentObserver } from "@hawser/agent";
import { HawserError, type ErrorCode } from "@hawser/protocol";
import type { Breakage } from "../broken-store.js";

/** What the other end does that makes this one meet what throws. */
export type Provocation =
  /** Nothing but to be there. */
  | "opening"
  /** Takes an event, and says that it is applied. */
  | "ack"
  /** Takes an event, and refuses it for good. */
  | "nack"
  /** Sends an event. */
  | "event";

/** Something of one side that throws, and how its session then ends. */
export interface Thrower {
  readonly name: string;
  readonly breakage?: Breakage;
  readonly observer?: Omit<AgentObserver, "state">;
  readonly provokedBy: Provocation;
  readonly closes: { readonly code: number; readonly grpcStatus: number; readonly error: ErrorCode };
}

/** Nobody else's business. */
export const SECRET = "the disk at 10.0.0.7 burns";

const away = (): Error => new HawserError("store_unavailable", SECRET);
const full = (): Error => new HawserError("store_full", SECRET);
const bug = (): Error => new TypeError(SECRET);
const throws = (): never => {
  throw bug();
};

const INTERNAL = { code: 1011, grpcStatus: 13, error: "internal" } as const;
const UNAVAILABLE = { code: 4009, grpcStatus: 14, error: "store_unavailable" } as const;
const FULL = { code: 4008, grpcStatus: 8, error: "store_full" } as const;

export const THROWERS: readonly Thrower[] = [
  {
    name: "a store that cannot be reached",
    breakage: { open: away },
    provokedBy: "opening",
    closes: UNAVAILABLE,
  },
  { name: "a store that is full", breakage: { open: full }, provokedBy: "opening", closes: FULL },
  { name: "a store with a bug", breakage: { open: bug }, provokedBy: "opening", closes: INTERNAL },
  {
    name: "a mailbox that cannot be kept",
    breakage: { use: away },
    provokedBy: "opening",
    closes: UNAVAILABLE,
  },
  { name: "a store that lost track", breakage: { resync: true }, provokedBy: "ack", closes: UNAVAILABLE },
  {
    name: "a dead letter that cannot be written",
    breakage: { deadLetter: away },
    provokedBy: "nack",
    closes: UNAVAILABLE,
  },
  { name: "an observer of openings", observer: { opened: throws }, provokedBy: "opening", closes: INTERNAL },
  { name: "an observer of sending", observer: { sent: throws }, provokedBy: "ack", closes: INTERNAL },
  { name: "an observer of ACKs", observer: { acked: throws }, provokedBy: "ack", closes: INTERNAL },
  { name: "an observer of NACKs", observer: { nacked: throws }, provokedBy: "nack", closes: INTERNAL },
  { name: "an observer of applying", observer: { applied: throws }, provokedBy: "event", closes: INTERNAL },
];
