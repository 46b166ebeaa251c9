import type { AgentOptions } from "@hawser/agent";
import { DEFAULT_WINDOW, DEFAULT_WINDOW_BYTES, jsonCodec, protobufCodec, type Codec } from "@hawser/protocol";
import { seededRandom, type Random } from "@hawser/runtime";
import type { SharedClientOptions } from "@hawser/store";
import type { NetworkFaults } from "@hawser/testkit";

type Timing = NonNullable<AgentOptions["timing"]>;
type Reconnect = NonNullable<AgentOptions["reconnect"]>;
type Resend = NonNullable<AgentOptions["resend"]>;

/**
 * `chaos`: every fault, short timings. `defaults`: every fault, the timings a user gets. `rotations`: no fault but rotations in quick succession, which must redeliver
 * nothing.
 */
export type Flavour = "chaos" | "defaults" | "rotations";

/** Everything that is decided before a run begins. All times in virtual milliseconds. */
export interface Plan {
  readonly seed: number;
  readonly flavour: Flavour;
  readonly agents: readonly string[];
  readonly window: { readonly principal: number; readonly agent: number };
  /** Bytes of un-ACKed events that a side accepts, and wants to have in flight. */
  readonly windowBytes: { readonly principal: number; readonly agent: number };
  /** Of their mailboxes, what all sessions of the principal hold in memory. */
  readonly readAheadBytes: number | undefined;
  readonly limits: { readonly maxEntries: number; readonly maxBytes: number };
  /** Whether a mailbox may be full. */
  readonly isTight: boolean;
  readonly codec: Codec | undefined;
  readonly faults: Partial<NetworkFaults>;
  readonly timing: Timing;
  readonly reconnect: Reconnect;
  readonly resend: Resend;
  /** How long publishers publish and faults strike. */
  readonly activeMs: number;
  readonly meanPublishMs: number;
  /** What publishers do by a die below this is a matter of the principal; the rest are commands of the agent. */
  readonly downShare: number;
  /** Between two purges of what is pending for an agent; undefined for none. */
  readonly meanPurgeMs: number | undefined;
  /** Commands accepted for the first agent before it ever connects: more than a session holds in memory at once. */
  readonly backlog: number;
  /** Per machine. */
  readonly meanFaultMs: number;
  /** What a write to disk takes at most. */
  readonly maxWriteMs: number;
  /** What a handler takes at most, unless it hangs. */
  readonly maxHandlerMs: number;
  readonly hangMs: number;
  /** At the end, one machine is started on what it had on its disk at some moment of the run. */
  readonly olderCopy: boolean;
  /** Several principals share a store; undefined where one has its own. */
  readonly shared: SharedPlan | undefined;
}

/** What is decided of the store that principals share. All times in virtual milliseconds. */
export interface SharedPlan {
  readonly principals: number;
  /** One way between a principal and the store. */
  readonly latencyMs: { readonly min: number; readonly max: number };
  /** Which part of the wake-ups gets lost. */
  readonly lostShare: number;
  /** Which part of new entries is announced by position alone. */
  readonly positionShare: number;
  readonly client: Required<Pick<SharedClientOptions, "requestTimeoutMs" | "sweepMs" | "graceMs">>;
  readonly memberTtlMs: number;
  /** How often the way between one principal and the store fails. */
  readonly meanCutMs: number;
  readonly longestCutMs: number;
  /** How often all principals are struck at once. */
  readonly meanOutageMs: number;
}

/** How many runs have purges, and how many of those an agent sees on average. */
const PURGED_SHARE = 0.6;
const PURGES = 3;

/** Short enough that a few seconds of virtual time see every timeout. */
const SHORT = {
  timing: {
    handshakeTimeoutMs: 3_000,
    heartbeatIntervalMs: 1_000,
    heartbeatTimeoutMs: 2_000,
    rotationMinMs: 2_000,
    rotationMaxMs: 10_000,
    closeGraceMs: 1_500,
  },
  reconnect: { backoffMinMs: 50, backoffMaxMs: 2_000, stableAfterMs: 5_000, shortSessionMs: 500 },
  resend: { initialTimeoutMs: 1_000, minTimeoutMs: 500, maxTimeoutMs: 4_000, maxNackBackoffMs: 4_000 },
} satisfies { timing: Timing; reconnect: Reconnect; resend: Resend };

/** How many runs go on with an older copy. */
const OLDER_COPY_SHARE = 0.3;
const NAMES = ["ada", "bob", "cyd", "dan"];

export function makePlan(seed: number): Plan {
  const plan = planWithoutPurges(seed);
  const isPurged = seededRandom(seed ^ 0x94e6e).next() < PURGED_SHARE;
  return { ...plan, meanPurgeMs: isPurged ? plan.activeMs / PURGES : undefined, shared: undefined };
}

function planWithoutPurges(seed: number): Omit<Plan, "meanPurgeMs" | "shared"> {
  const random = seededRandom(seed ^ 0x5eed);
  const flavour = seed % 20 === 0 ? "defaults" : seed % 10 === 1 ? "rotations" : "chaos";
  const limits = {
    maxEntries: chance(random, 0.2) ? 12 : ROOMY.maxEntries,
    maxBytes: chance(random, 0.1) ? 6_000 : ROOMY.maxBytes,
  };
  // Of a source of its own, so that it shifts no other draw.
  const sizes = seededRandom(seed ^ 0xb17e5);
  const base = {
    seed,
    flavour,
    agents: NAMES.slice(0, 1 + below(random, NAMES.length)),
    window: { principal: pick(random, WINDOWS), agent: pick(random, WINDOWS) },
    windowBytes: { principal: pick(sizes, WINDOWS_BYTES), agent: pick(sizes, WINDOWS_BYTES) },
    readAheadBytes: pick<number | undefined>(sizes, READ_AHEADS_BYTES),
    limits,
    codec: pick<Codec | undefined>(random, [undefined, undefined, undefined, jsonCodec, protobufCodec]),
    maxWriteMs: pick(random, [0, 2, 10]),
    downShare: 0.82,
    backlog: chance(random, 0.03) ? 700 : 0,
    // Likewise.
    olderCopy: flavour !== "rotations" && seededRandom(seed ^ 0x01dc0).next() < OLDER_COPY_SHARE,
  } as const;
  const isTight = limits.maxEntries < ROOMY.maxEntries || limits.maxBytes < ROOMY.maxBytes;
  switch (flavour) {
    case "chaos":
      return {
        ...base,
        isTight,
        ...SHORT,
        timing: base.backlog > 0 || chance(random, 0.2) ? { ...SHORT.timing, ...NEVER } : SHORT.timing,
        ...harsh(random, 1),
        activeMs: 3_500 + random.next() * 6_500,
        hangMs: 6_000,
      };
    case "defaults":
      return {
        ...base,
        isTight,
        timing: {},
        reconnect: {},
        resend: {},
        ...harsh(random, 15),
        activeMs: 150_000,
        hangMs: 60_000,
      };
    case "rotations":
      return { ...base, ...rotations(random), limits: ROOMY, isTight: false };
  }
}

const WINDOWS = [1, 2, 5, DEFAULT_WINDOW] as const;
/** An event has about 400 bytes here: less than one, a few, and what a user gets. */
const WINDOWS_BYTES = [1, 500, 2_000, 8_000, DEFAULT_WINDOW_BYTES, DEFAULT_WINDOW_BYTES] as const;
const READ_AHEADS_BYTES = [1, 2_000, 10_000, undefined, undefined] as const;
const ROOMY = { maxEntries: 10_000, maxBytes: 50_000_000 };

function harsh(random: Random, scale: number) {
  const isRough = chance(random, 0.7);
  const faults: Partial<NetworkFaults> = {
    latencyMinMs: 0.5,
    latencyMaxMs: pick(random, [2, 20, 80]),
    ...(isRough
      ? {
          stallProbability: 0.01,
          stallMaxMs: 1_500,
          dialFailureProbability: 0.15,
          dialHangProbability: 0.03,
          meanUptimeMs: 6_000 * scale,
          unnoticedProbability: 0.3,
          meanPartitionIntervalMs: 12_000 * scale,
          meanPartitionMs: 1_500 * scale,
        }
      : {}),
  };
  return {
    faults,
    meanPublishMs: pick(random, [150, 400]) * scale,
    meanFaultMs: pick(random, [3_000, 8_000]) * scale,
    maxHandlerMs: pick(random, [5, 60, 250]),
  };
}

/** Then a session has to get everything done by itself. */
const NEVER = { rotationMinMs: null, rotationMaxMs: null };
const OFTEN = { rotationMinMs: 200, rotationMaxMs: 1_500 };
/** Only heartbeats keep an idle session alive for so long. */
const SELDOM = { rotationMinMs: 6_000, rotationMaxMs: 9_000 };

// Everything stays below the shortest resend timeout: whatever is sent twice was redelivered by a rotation.
function rotations(random: Random) {
  return {
    timing: { ...SHORT.timing, ...pick(random, [OFTEN, SELDOM]), closeGraceMs: 10_000 },
    reconnect: { ...SHORT.reconnect, shortSessionMs: 1 },
    resend: { initialTimeoutMs: 10_000, minTimeoutMs: 10_000 },
    faults: { latencyMinMs: 0.5, latencyMaxMs: 20 },
    meanPublishMs: 60,
    meanFaultMs: 2_000,
    activeMs: 3_000,
    maxHandlerMs: 150,
    hangMs: 0,
  };
}

export function below(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

export function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[below(random, from.length)] ?? from[0];
}

/** Draws from the exponential distribution with this mean. */
export function exponential(random: Random, meanMs: number): number {
  return -Math.log(1 - random.next()) * meanMs;
}

/** The resend timeout never falls below it (DEFAULT_RESEND_TIMING). */
export const DEFAULT_MIN_RESEND_MS = 1_000;
