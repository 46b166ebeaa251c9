import { join } from "node:path";
import type { BenchOptions } from "./bench-options.js";
import type { TransportName } from "./child-commands.js";
import { ProcessPair, type PairMeasurement } from "./process-pair.js";
import { roundedSpread, type Spread } from "./spread.js";

export interface DeliveryRow {
  readonly transport: TransportName;
  readonly agents: number;
  readonly window: number;
  readonly ackedPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rawPerSecond: number;
  /** Median of the ratios of the rounds. */
  readonly ratio: number;
}

/** What the row does not say: how far the rounds lie apart. */
export interface DeliverySpread {
  readonly transport: TransportName;
  readonly agents: number;
  readonly window: number;
  readonly ackedPerSecond: Spread;
  readonly rawPerSecond: Spread;
  readonly ratio: Spread;
  readonly principalCpuUsPerEvent: Spread;
  readonly agentsCpuUsPerEvent: Spread;
  readonly rawServerCpuUsPerEvent: Spread;
  readonly rawClientsCpuUsPerEvent: Spread;
  /**
   * CPU time of the busier raw process over that of the busier one of Hawser: what the ratio of throughputs comes to where processors are what limits. Steadier than
   * that on a machine that does other work as well.
   */
  readonly cpuRatio: Spread;
}

export interface MeasuredRow {
  readonly row: DeliveryRow;
  readonly spread: DeliverySpread;
}

/** The first round of a pair of processes warms up longer: the compiler has not seen the code yet. */
const FIRST_WARM_UP_FACTOR = 5;

/** Measures every combination, raw and Hawser in turns so that whatever else the machine does hits both. */
export async function measureDelivery(
  options: BenchOptions,
  directory: string,
  progress: (line: string) => void,
): Promise<readonly MeasuredRow[]> {
  const rows: MeasuredRow[] = [];
  for (const transport of options.transports) {
    for (const agents of options.agents) {
      rows.push(...(await measurePair(options, transport, agents, directory, progress)));
    }
  }
  return rows;
}

async function measurePair(
  options: BenchOptions,
  transport: TransportName,
  agents: number,
  directory: string,
  progress: (line: string) => void,
): Promise<readonly MeasuredRow[]> {
  const maxWindow = Math.max(...options.windows);
  const endpoint = { transport, agents, maxWindow, semiSpaceMb: options.semiSpaceMb };
  const raw = await ProcessPair.start({ ...endpoint, kind: "raw", directory: join(directory, "raw") });
  const hawser = await ProcessPair.start({
    ...endpoint,
    kind: "hawser",
    directory: join(directory, `${transport}-${agents}`),
    profileDirectory: options.profileDirectory,
    agentPoolThreads: options.agentPoolThreads,
  });
  const rows: MeasuredRow[] = [];
  for (const window of options.windows) {
    const ours: PairMeasurement[] = [];
    const theirs: PairMeasurement[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const warmUpMs = options.warmUpMs * (round === 0 ? FIRST_WARM_UP_FACTOR : 1);
      const load = { window, warmUpMs, measureMs: options.measureMs };
      await hawser.quiet();
      theirs.push(await raw.measure(load));
      ours.push(await hawser.measure(load));
    }
    const measured = rowOf(transport, agents, window, ours, theirs);
    const { ackedPerSecond, rawPerSecond, ratio } = measured.row;
    progress(
      `${transport} ${agents} x ${window}: ${ackedPerSecond}/s of raw ${rawPerSecond}/s, ratio ${ratio}`,
    );
    rows.push(measured);
  }
  await hawser.stop();
  await raw.stop();
  return rows;
}

function rowOf(
  transport: TransportName,
  agents: number,
  window: number,
  ours: readonly PairMeasurement[],
  theirs: readonly PairMeasurement[],
): MeasuredRow {
  const spreadIn = (of: readonly PairMeasurement[], value: (each: PairMeasurement) => number): Spread =>
    roundedSpread(of.map(value));
  const perSecond = (each: PairMeasurement): number => each.ackedPerSecond;
  const ratios = ours.map(
    (each, round) => each.ackedPerSecond / (theirs[round]?.ackedPerSecond ?? Number.NaN),
  );
  const spread: DeliverySpread = {
    transport,
    agents,
    window,
    ackedPerSecond: spreadIn(ours, perSecond),
    rawPerSecond: spreadIn(theirs, perSecond),
    ratio: roundedSpread(ratios),
    principalCpuUsPerEvent: spreadIn(ours, (each) => each.cpuUsPerEvent),
    agentsCpuUsPerEvent: spreadIn(ours, (each) => each.agentsCpuUsPerEvent),
    rawServerCpuUsPerEvent: spreadIn(theirs, (each) => each.cpuUsPerEvent),
    rawClientsCpuUsPerEvent: spreadIn(theirs, (each) => each.agentsCpuUsPerEvent),
    cpuRatio: roundedSpread(ours.map((each, round) => busierCpu(theirs[round]) / busierCpu(each))),
  };
  const row: DeliveryRow = {
    transport,
    agents,
    window,
    ackedPerSecond: spread.ackedPerSecond.median,
    p50Ms: spreadIn(ours, (each) => each.p50Ms).median,
    p99Ms: spreadIn(ours, (each) => each.p99Ms).median,
    rawPerSecond: spread.rawPerSecond.median,
    ratio: spread.ratio.median,
  };
  return { row, spread };
}

function busierCpu(measurement: PairMeasurement | undefined): number {
  return measurement === undefined
    ? Number.NaN
    : Math.max(measurement.cpuUsPerEvent, measurement.agentsCpuUsPerEvent);
}
