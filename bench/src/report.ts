import { availableParallelism, cpus, loadavg } from "node:os";
import { SERVICE_SEMI_SPACE_MB, type BenchOptions } from "./bench-options.js";
import { describePinning } from "./core-pinning.js";
import type { MeasuredRow } from "./delivery-rows.js";
import type { PendingCost } from "./pending-cost.js";
import { PAYLOAD_BYTES } from "./payload.js";
import { eventSizes } from "./raw-message.js";
import type { DiskPlace } from "./real-disk.js";

/** Everything one run found. */
export interface BenchResult {
  readonly rows: readonly MeasuredRow[];
  readonly pending: PendingCost | undefined;
}

/** The line other programs read; its keys are fixed. */
export function jsonLine({ rows, pending }: BenchResult): string {
  return JSON.stringify({
    delivery: rows.map(({ row }) => row),
    pendingCostRatio: pending?.pendingCostRatio ?? null,
    pendingMemoryMb: pending?.pendingMemoryMb ?? null,
  });
}

/** What the fixed keys have no room for. */
export function spreadLine({ rows, pending }: BenchResult): string {
  return JSON.stringify({ spread: rows.map(({ spread }) => spread), pending: pending?.detail ?? null });
}

/** What was measured, on what. */
export function describeRun(options: BenchOptions, { directory, fileSystem }: DiskPlace): string {
  const { json, protobuf } = eventSizes();
  return [
    `machine: ${availableParallelism()} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
    describePinning(),
    `young generation of the principal and the raw server: --max-semi-space-size=${options.semiSpaceMb} (the principal's image: ${SERVICE_SEMI_SPACE_MB}; Node's default: 16)`,
    `stores: journals in ${directory} (${fileSystem}), one for the principal and one for each agent, every commit fsynced`,
    `event: ${PAYLOAD_BYTES} B of data, ${json} B as JSON, ${protobuf} B as protobuf`,
    "raw ws-json, ws-proto: plain ws, the same event by JSON.stringify and JSON.parse, one small JSON ACK per message",
    `raw grpc: plain grpc-js bidirectional stream, ${protobuf} B as they are (nothing encoded or parsed), one small ACK per message`,
    `${options.rounds} rounds of ${options.measureMs} ms, raw and Hawser in turns; medians, ratio is the median over rounds`,
  ].join("\n");
}

export function table({ rows, pending }: BenchResult): string {
  const head = [
    "transport",
    "agents",
    "window",
    "acked/s",
    "p50 ms",
    "p99 ms",
    "raw/s",
    "ratio",
    "ratio min..max",
    "CPU us/event: principal",
    "agents",
    "raw server",
    "raw clients",
    "CPU ratio",
  ];
  const lines = rows.map(({ row, spread }) => [
    row.transport,
    row.agents,
    row.window,
    row.ackedPerSecond,
    row.p50Ms,
    row.p99Ms,
    row.rawPerSecond,
    row.ratio,
    `${spread.ratio.min}..${spread.ratio.max}`,
    spread.principalCpuUsPerEvent.median,
    spread.agentsCpuUsPerEvent.median,
    spread.rawServerCpuUsPerEvent.median,
    spread.rawClientsCpuUsPerEvent.median,
    spread.cpuRatio.median,
  ]);
  const cells = [head, ...lines.map((line) => line.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const text = cells.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
  return [...text, ...pendingLines(pending)].join("\n");
}

function pendingLines(pending: PendingCost | undefined): readonly string[] {
  if (pending === undefined) return [];
  const { detail } = pending;
  return [
    "",
    `${detail.pendingEvents} events pending for ${detail.pendingAgents} absent agents (published at ${detail.fillPerSecond}/s):`,
    `  CPU per event of connected agents ${detail.cpuUsPerEvent.with} us with, ${detail.cpuUsPerEvent.without} us without: ratio ${pending.pendingCostRatio} (${detail.cpuRatio.min}..${detail.cpuRatio.max})`,
    `  wall time per event: ratio ${detail.wallRatio.median} (${detail.wallRatio.min}..${detail.wallRatio.max})`,
    `  resident memory: idle ${detail.idleMb} MB, filled ${detail.filledAfterGcMb} MB (${detail.filledMb} MB before a collection), restarted on it ${detail.restartedMb} MB; above idle ${pending.pendingMemoryMb} MB`,
  ];
}
