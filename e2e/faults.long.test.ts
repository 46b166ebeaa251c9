import { pause, systemClock, systemTimers } from "@hawser/runtime";
import type { ChaosCounts } from "@hawser/testkit";
import { beforeAll, describe, expect, it } from "vitest";
import { becomes, eventually } from "./support/eventually.js";
import { LINE, TRANSPORTS, type Transport } from "./support/faulty-line.js";
import { principalArgs, ServiceLine } from "./support/service-line.js";
import { figures, FIRST_BACKOFF_MS, SETUP_MS } from "./support/with-line.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

/** How long a fault lasts that does: longer than silence is borne. */
const FAULT_MS = 2 * LINE.heartbeatTimeoutMs + 500;
/** Silence is given up after the limit and a draw of the same size. */
const SILENCE_MS = 2 * LINE.heartbeatTimeoutMs;
/** A quarter of what the load takes. */
const SLOW_BYTES_PER_SECOND = 10_000;
const LATENCY_MS = 150;

interface Fault {
  readonly name: string;
  /** From where the fault ends, or from where it begins when it is over at once, to events that arrive both ways. */
  readonly boundMs: Readonly<Record<Transport, number>>;
  /** True: the session lives through it. */
  readonly borne?: boolean;
  readonly lastsMs?: number;
  readonly begin: (line: ServiceLine) => void;
  readonly end?: (line: ServiceLine) => void;
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
    bit: (_counts, slowestMs) => slowestMs >= LINE.heartbeatIntervalMs / 2,
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

let fleet: TestFleet;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet(principalArgs());
  await fleet.startPrincipal();
});

describe.concurrent.each(TRANSPORTS)("the agent service under load over %s", (transport) => {
  it.each(FAULTS)("$name", async ({ name, boundMs, borne = false, lastsMs = 0, begin, end, bit }) => {
    const line = await ServiceLine.lay(fleet, `${name.replace(" ", "-")}-${transport}`, transport);
    try {
      line.load();
      await becomes("specs flow", () => line.flowedAfter(0) !== undefined);
      const began = systemClock.now();
      begin(line);
      await pause(systemTimers, lastsMs);
      const since = systemClock.now();
      end?.(line);
      const recoveredMs = await eventually("specs flow again", () => line.flowedAfter(since));
      await line.isComplete();
      const sessions = await line.sessions();
      const bound = boundMs[transport];
      const slowest = line.slowest(began);
      figures(name, transport, { bound, recoveredMs, slowest, sessions, accepted: line.accepted });
      expect(bit(line.proxy.counts, slowest)).toBe(true);
      expect(recoveredMs).toBeLessThanOrEqual(bound);
      expect(sessions).toBe(borne ? 1 : 2);
    } finally {
      await line.takeUp();
    }
  });
});
