import { join } from "node:path";
import { pause, systemTimers } from "@hawser/runtime";
import type { RotationKind } from "../rotation-kind.js";
import { roundedSpread, type Spread } from "../spread.js";
import { EventPublisher } from "./event-publisher.js";
import { missingEvents } from "./missing-events.js";
import type { StormOptions } from "./storm-options.js";
import { StormWorld } from "./storm-world.js";

/** Milliseconds from the publisher to the handler that applied it, p99: median of the rounds. */
export interface RotationP99 {
  readonly steadyP99Ms: number;
  readonly rotatingP99Ms: number;
}

export interface RotationResult {
  readonly p99: RotationP99;
  /** For people: the spread over the rounds. */
  readonly lines: readonly string[];
}

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly renewedPerSecond: number;
}

const KINDS: readonly RotationKind[] = ["none", "often"];
/** Of agents that rotate, a few are always between two connections. */
const MOST = 0.9;
/** Compiler and connections have come to rest by then. */
const WARM_UP_MS = 2_000;

/** The same load on agents that stay connected and on agents that renew their connections over and over, in turns. */
export async function measureRotation(
  options: StormOptions,
  directory: string,
  progress: (line: string) => void,
): Promise<RotationResult> {
  const measured = new Map<RotationKind, Measured[]>(KINDS.map((kind) => [kind, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const kind of KINDS) {
      const one = await measureKind(kind, options, join(directory, `rotation-${kind}-${round}`));
      progress(`rotation ${kind}: p99 ${one.p99Ms} ms, ${Math.round(one.renewedPerSecond)} renewed/s`);
      measured.get(kind)?.push(one);
    }
  }
  const spread = (kind: RotationKind, value: (one: Measured) => number): Spread =>
    roundedSpread((measured.get(kind) ?? []).map(value));
  const p99 = (kind: RotationKind): number => spread(kind, (one) => one.p99Ms).median;
  return {
    p99: {
      steadyP99Ms: p99("none"),
      rotatingP99Ms: p99("often"),
    },
    lines: KINDS.map((kind) => {
      const { median, min, max } = spread(kind, (one) => one.p99Ms);
      const renewed = spread(kind, (one) => one.renewedPerSecond).median;
      const p50 = spread(kind, (one) => one.p50Ms).median;
      const most = spread(kind, (one) => one.maxMs).max;
      return `rotation ${kind}: p99 ${median} ms (${min}..${max}), p50 ${p50}, longest ${most}, ${renewed} connections renewed/s`;
    }),
  };
}

async function measureKind(kind: RotationKind, options: StormOptions, directory: string): Promise<Measured> {
  const { rotationAgents: agents, measureMs, deadlineMs } = options;
  const world = new StormWorld({ client: "hawser", agents, tls: options.tls, directory, rotation: kind });
  const publisher = new EventPublisher({
    agents,
    perSecond: options.rotationEventsPerSecond,
    publish: (event) => world.publish(event),
  });
  try {
    await world.startServer();
    await world.startAgents(deadlineMs);
    await world.sessions((open) => open >= MOST * agents, deadlineMs);
    publisher.start();
    await pause(systemTimers, WARM_UP_MS);
    await world.reset();
    await pause(systemTimers, measureMs);
    const renewed = (await world.reports()).reduce((sum, { opened }) => sum + opened.length, 0);
    await publisher.stop();
    const missing = await missingEvents(world, publisher, deadlineMs);
    if (missing.length > 0) throw new Error(`rotation ${kind}: ${missing.length} events never arrived`);
    const latencies = (await world.latencies()).toSorted((a, b) => a - b);
    const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
    return {
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: latencies.at(-1) ?? Number.NaN,
      renewedPerSecond: renewed / (measureMs / 1_000),
    };
  } finally {
    await world.close();
    await publisher.stop();
  }
}
