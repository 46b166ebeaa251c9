import { join } from "node:path";
import type { BenchOptions } from "./bench-options.js";
import type { ServerCommands } from "./child-commands.js";
import { Child } from "./child-process.js";
import type { Measurement } from "./closed-loop.js";
import { PRINCIPAL_CORE } from "./core-pinning.js";
import { ProcessPair } from "./process-pair.js";
import { rounded, roundedSpread, spreadOf, type Spread } from "./spread.js";

export interface PendingCost {
  /** CPU time of the principal's process per event, with the backlog over without. */
  readonly pendingCostRatio: number;
  /** Resident memory above idle: the larger of right after the backlog came in and after a restart on it. */
  readonly pendingMemoryMb: number;
  readonly detail: PendingDetail;
}

export interface PendingDetail {
  readonly pendingEvents: number;
  readonly pendingAgents: number;
  readonly fillPerSecond: number;
  readonly cpuRatio: Spread;
  /** Time per event as the wall clock has it, with over without. */
  readonly wallRatio: Spread;
  readonly cpuUsPerEvent: { readonly without: number; readonly with: number };
  readonly idleMb: number;
  readonly filledMb: number;
  readonly filledAfterGcMb: number;
  readonly restartedMb: number;
}

/** Agents that are there while others are away, and how much each has outstanding. */
const CONNECTED_AGENTS = 16;
const WINDOW = 64;
const TRANSPORT = "ws-json";

/** What a million events for agents that are away cost those that are here. Two principals in one run, one with the backlog, measured in turns. */
export async function measurePendingCost(
  options: BenchOptions,
  directory: string,
  progress: (line: string) => void,
): Promise<PendingCost> {
  const { pendingEvents, pendingAgents } = options;
  const start = (name: string): Promise<ProcessPair> =>
    ProcessPair.start({
      kind: "hawser",
      transport: TRANSPORT,
      agents: CONNECTED_AGENTS,
      maxWindow: WINDOW,
      directory: join(directory, name),
      agentPoolThreads: options.agentPoolThreads,
      semiSpaceMb: options.semiSpaceMb,
    });
  const empty = await start("pending-none");
  const loaded = await start("pending-many");
  // A first load on both, so that idle means compiled code and grown heaps on both sides of the comparison.
  const warmUp = { window: WINDOW, warmUpMs: options.measureMs, measureMs: options.measureMs };
  await empty.measure(warmUp);
  await loaded.measure(warmUp);
  await loaded.quiet();
  const idle = await loaded.server.call("memory");
  progress(`pending: publishing ${pendingEvents} events for ${pendingAgents} absent agents`);
  const { seconds } = await loaded.server.call("fill", { agents: pendingAgents, events: pendingEvents });
  await loaded.quiet();
  const filled = await loaded.server.call("memory");

  const rounds = await measureInTurns(options, { without: empty, with: loaded });
  await empty.stop();
  await loaded.stop({ keepStore: true });
  const restarted = await measureRestart(join(directory, "pending-many"));
  const cpu = ratios(rounds, (each) => each.cpuUsPerEvent);
  const wall = ratios(rounds, (each) => 1 / each.ackedPerSecond);
  const memoryMb = Math.max(filled.rssAfterGcMb - idle.rssAfterGcMb, restarted.loadedMb - restarted.idleMb);
  return {
    pendingCostRatio: cpu.median,
    pendingMemoryMb: rounded(memoryMb),
    detail: {
      pendingEvents,
      pendingAgents,
      fillPerSecond: rounded(pendingEvents / seconds),
      cpuRatio: cpu,
      wallRatio: wall,
      cpuUsPerEvent: {
        without: rounded(spreadOf(rounds.without.map((each) => each.cpuUsPerEvent)).median),
        with: rounded(spreadOf(rounds.with.map((each) => each.cpuUsPerEvent)).median),
      },
      idleMb: rounded(idle.rssAfterGcMb),
      filledMb: rounded(filled.rssMb),
      filledAfterGcMb: rounded(filled.rssAfterGcMb),
      restartedMb: rounded(restarted.loadedMb),
    },
  };
}

/** By name of the side: without a backlog, or with it. */
interface Sides<T> {
  readonly without: T;
  readonly with: T;
}

async function measureInTurns(
  options: BenchOptions,
  sides: Sides<ProcessPair>,
): Promise<Sides<Measurement[]>> {
  const rounds: Sides<Measurement[]> = { without: [], with: [] };
  const load = { window: WINDOW, warmUpMs: options.warmUpMs, measureMs: options.measureMs };
  for (let round = 0; round < options.pendingRounds; round += 1) {
    // Whoever comes second finds a warmer machine, so they take turns at that too.
    const order = round % 2 === 0 ? (["without", "with"] as const) : (["with", "without"] as const);
    for (const which of order) {
      await Promise.all([sides.without.quiet(), sides.with.quiet()]);
      rounds[which].push(await sides[which].measure(load));
    }
  }
  return rounds;
}

/** A principal that begins on the backlog, against one that begins on nothing; neither has agents. */
async function measureRestart(
  loadedDirectory: string,
): Promise<{ readonly idleMb: number; readonly loadedMb: number }> {
  const measure = async (directory: string): Promise<number> => {
    const principal = new Child<ServerCommands>("principal", { core: PRINCIPAL_CORE });
    await principal.call("start", { transport: TRANSPORT, agents: 0, maxWindow: WINDOW, directory });
    await principal.call("quiet");
    const { rssAfterGcMb } = await principal.call("memory");
    await principal.call("stop");
    await principal.end();
    return rssAfterGcMb;
  };
  const idleMb = await measure(`${loadedDirectory}-idle`);
  return { idleMb, loadedMb: await measure(loadedDirectory) };
}

function ratios(rounds: Sides<readonly Measurement[]>, value: (each: Measurement) => number): Spread {
  const each = rounds.with.map((loaded, round) => {
    const empty = rounds.without[round];
    return empty === undefined ? Number.NaN : value(loaded) / value(empty);
  });
  return roundedSpread(each);
}
