import { systemClock } from "@hawser/runtime";
import type { ChaosCounts } from "@hawser/testkit";
import { describe, expect, it } from "vitest";
import { becomes, eventually, pause } from "./support/eventually.js";
import { FaultyLine, LINE, type LineOptions } from "./support/faulty-line.js";

/** For a dial, a hello and a welcome on a machine that has other things to do. */
const SETUP_MS = 1_000;
/** How long a fault lasts that does: longer than silence is borne. */
const FAULT_MS = 2 * LINE.heartbeatTimeoutMs + 500;
/** What one failure is waited for at most: the exponential's first ceiling. */
const FIRST_BACKOFF_MS = 2 * LINE.backoffMinMs;
/** Silence is given up after the limit and a draw of the same size. */
const SILENCE_MS = 2 * LINE.heartbeatTimeoutMs;
/** Half of what the load takes. */
const SLOW_BYTES_PER_SECOND = 20_000;
const LATENCY_MS = 150;

interface Fault {
  readonly name: string;
  /** From where the fault ends, or from where it begins when it is over at once, to events that arrive both ways. */
  readonly boundMs: Readonly<Record<"ws" | "grpc", number>>;
  /** True: the session lives through it. */
  readonly borne?: boolean;
  readonly lastsMs?: number;
  readonly begin: (line: FaultyLine) => void;
  readonly end?: (line: FaultyLine) => void;
  /** Whether it did harm at all. */
  readonly bit: (counts: ChaosCounts, slowestMs: number) => boolean;
}

const both = (ms: number): Fault["boundMs"] => ({ ws: ms, grpc: ms });

const FAULTS: readonly Fault[] = [
  {
    name: "latency",
    boundMs: both(SETUP_MS),
    borne: true,
    lastsMs: FAULT_MS,
    begin: ({ proxy }) => proxy.setFaults({ latencyMs: LATENCY_MS }),
    end: ({ proxy }) => proxy.setFaults({ latencyMs: 0 }),
    bit: (_counts, slowestMs) => slowestMs >= LATENCY_MS,
  },
  {
    name: "bandwidth",
    boundMs: both(SETUP_MS),
    borne: true,
    lastsMs: FAULT_MS,
    begin: ({ proxy }) => proxy.setFaults({ bytesPerSecond: SLOW_BYTES_PER_SECOND }),
    end: ({ proxy }) => proxy.setFaults({ bytesPerSecond: Number.POSITIVE_INFINITY }),
    bit: (_counts, slowestMs) => slowestMs >= LINE.heartbeatIntervalMs,
  },
  {
    name: "reset",
    boundMs: both(FIRST_BACKOFF_MS + SETUP_MS),
    begin: ({ proxy }) => void proxy.resetAll(),
    bit: ({ reset }) => reset === 1,
  },
  {
    name: "refused",
    boundMs: both(LINE.backoffMaxMs + SETUP_MS),
    lastsMs: FAULT_MS,
    begin: ({ proxy }) => {
      proxy.setFaults({ refuse: true });
      proxy.resetAll();
    },
    end: ({ proxy }) => proxy.setFaults({ refuse: false }),
    bit: ({ refused }) => refused > 1,
  },
  {
    name: "half-open",
    // HTTP/2 finds out sooner: its pings are answered, or not.
    boundMs: {
      ws: SILENCE_MS + FIRST_BACKOFF_MS + SETUP_MS,
      grpc: 2 * LINE.keepAliveIntervalMs + FIRST_BACKOFF_MS + SETUP_MS,
    },
    begin: ({ proxy }) => void proxy.swallowAll(),
    bit: ({ swallowed }) => swallowed === 1,
  },
  {
    name: "black hole",
    boundMs: both(LINE.dialTimeoutMs + LINE.backoffMaxMs + SETUP_MS),
    lastsMs: FAULT_MS,
    begin: ({ proxy }) => {
      proxy.setFaults({ blackHole: true });
      proxy.swallowAll();
    },
    end: ({ proxy }) => proxy.setFaults({ blackHole: false }),
    bit: ({ swallowed }) => swallowed > 1,
  },
];

const TRANSPORTS = ["ws", "grpc"] as const;

function figures(name: string, transport: string, values: Readonly<Record<string, number>>): void {
  const parts = Object.entries(values).map(([key, value]) => `${key}=${Math.round(value)}`);
  process.stdout.write(`fault: ${name} ${transport} ${parts.join(" ")}\n`);
}

/** Everything that was accepted arrives, and only once. */
async function isComplete(line: FaultyLine): Promise<void> {
  await line.unload();
  await becomes("everything accepted is applied", () => line.missing === 0);
  expect(line.appliedTwice).toBe(0);
}

async function withLine<T>(
  transport: "ws" | "grpc",
  run: (line: FaultyLine) => Promise<T>,
  options?: LineOptions,
): Promise<T> {
  const line = await FaultyLine.lay(transport, options);
  try {
    return await run(line);
  } finally {
    await line.takeUp();
  }
}

describe.concurrent.each(TRANSPORTS)("under load over %s", (transport) => {
  it.each(FAULTS)("$name", async ({ name, boundMs, borne = false, lastsMs = 0, begin, end, bit }) => {
    await withLine(transport, async (line) => {
      line.load();
      await becomes("events flow", () => line.recoveredAfter(0) !== undefined);
      const began = systemClock.now();
      begin(line);
      await pause(lastsMs);
      const since = systemClock.now();
      end?.(line);
      const recoveredMs = await eventually("events flow again", () => line.recoveredAfter(since));
      await isComplete(line);
      const { sessions, accepted, redelivered } = line;
      const bound = boundMs[transport];
      const slowest = line.slowest(began, since);
      figures(name, transport, {
        bound,
        recoveredMs,
        slowest,
        sessions,
        accepted,
        redelivered,
      });
      expect(bit(line.proxy.counts, slowest)).toBe(true);
      expect(recoveredMs).toBeLessThanOrEqual(bound);
      expect(sessions).toBe(borne ? 1 : 2);
    });
  });
});

/** A load balancer that cuts what is idle for 30 s, twenty times as fast, and the pings of every day, which come every 20 s. */
const IDLE_CUT_MS = 1_500;
const PING_MS = 1_000;
/** So rare that heartbeats keep nothing alive here. */
const NO_HEARTBEAT_MS = 60_000;

describe.concurrent.each(TRANSPORTS)(
  "an idle session behind a proxy that cuts idle ones, over %s",
  (transport) => {
    it.each([
      ["pings", { keepAliveIntervalMs: PING_MS, heartbeatIntervalMs: NO_HEARTBEAT_MS }],
      ["heartbeats", { keepAliveIntervalMs: 0, heartbeatIntervalMs: PING_MS }],
    ])("lives by its %s", async (name, options) => {
      await withLine(
        transport,
        async (line) => {
          line.proxy.setFaults({ idleCutMs: IDLE_CUT_MS });
          const before = line.proxy.counts;
          await pause(3 * IDLE_CUT_MS);
          const { idleCut, bytesUp, bytesDown } = line.proxy.counts;
          figures(`idle, kept by ${name}`, transport, {
            idleMs: 3 * IDLE_CUT_MS,
            bytesUp: bytesUp - before.bytesUp,
            bytesDown: bytesDown - before.bytesDown,
          });
          expect({ idleCut, sessions: line.sessions }).toEqual({ idleCut: 0, sessions: 1 });
          await line.publish("down", 1);
          await line.publish("up", 1);
          await isComplete(line);
        },
        options,
      );
    });

    it.each([
      ["none", 0],
      ["too rare", 2 * IDLE_CUT_MS],
    ])("is cut where pings are %s, and comes back", async (name, keepAliveIntervalMs) => {
      await withLine(
        transport,
        async (line) => {
          line.proxy.setFaults({ idleCutMs: IDLE_CUT_MS });
          await becomes("the session is cut", () => line.proxy.counts.idleCut > 0);
          const since = systemClock.now();
          await line.publish("down", 1);
          await line.publish("up", 1);
          const recoveredMs = await eventually("events flow again", () => line.recoveredAfter(since));
          const bound = FIRST_BACKOFF_MS + SETUP_MS;
          figures(`idle, pings ${name}`, transport, { bound, recoveredMs, sessions: line.sessions });
          expect(recoveredMs).toBeLessThanOrEqual(bound);
          expect(line.sessions).toBe(2);
          await isComplete(line);
        },
        { keepAliveIntervalMs, heartbeatIntervalMs: NO_HEARTBEAT_MS },
      );
    });
  },
);
