import { availableParallelism, cpus, loadavg } from "node:os";
import { describePinning } from "../core-pinning.js";
import type { DiskPlace } from "../real-disk.js";
import type { RotationResult } from "./rotation-bench.js";
import type { StormRun } from "./run-storm.js";
import type { StormOptions } from "./storm-options.js";

export interface StormResult {
  readonly runs: readonly StormRun[];
  readonly rotation: RotationResult;
}

/** The line other programs read; its keys are fixed. */
export function stormJsonLine({ runs, rotation }: StormResult): string {
  return JSON.stringify({ storm: runs.map(({ row }) => row), rotation: rotation.p99 });
}

/** What is measured, on what. */
export function describeStorm(options: StormOptions, { directory, fileSystem }: DiskPlace): string {
  return [
    `machine: ${availableParallelism()} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
    describePinning().replace("principal", "each server"),
    `storm: ${options.agents} agents, ${options.eventsPerSecond} events/s over all of them, SIGKILL ${options.steadyMs / 1_000} s after all are connected, started again ${options.downMs / 1_000} s later; ${options.tls ? "TLS 1.3, ECDSA P-256, for all" : "no TLS"}`,
    `  hawser: agents with stores in memory and the timing they have by default, over WebSocket (cloudevents.json); the principal with its default admission (500/s, burst 25,`,
    `    a ramp of 5 s, 500 handshakes, a line of 5 s) on a journal in ${directory} (${fileSystem}), every event fsynced before it is accepted`,
    "  naive: a plain ws server that keeps a map of who is here and sends events to whoever is; agents dial again 1 s after any end, for ever; hello and welcome in JSON, no ACK, no limit",
    "  socket.io: socket.io and socket.io-client with their defaults (polling first, then WebSocket; 1 s, doubling up to 5 s, between tries, each randomized by half), a room for each agent",
    `rotation: ${options.rotationAgents} of our agents and ${options.rotationEventsPerSecond} events/s; each renews its connection every 0.5 to 1 s; ${options.rounds} rounds of ${options.measureMs} ms of each kind, medians`,
  ].join("\n");
}

export function stormTable({ runs, rotation }: StormResult): string {
  const head = [
    "client",
    "agents",
    "all back s",
    "not back",
    "server up s",
    "busiest second",
    "mean/s",
    "lag p99 ms",
    "lag max ms",
    "taken",
    "lost",
    "(sent, nobody there)",
    "refused",
    "applied twice",
  ];
  const lines = runs.map(({ row, notBack, upSeconds, lag, taken, refused, lostAs }) => [
    row.client,
    row.agents,
    row.allBackSeconds,
    notBack,
    upSeconds.toFixed(2),
    row.busiestSecond,
    row.meanPerSecond,
    row.lagP99Ms,
    lag.maxMs.toFixed(1),
    taken,
    row.lost,
    `(${lostAs.sent}, ${lostAs.nobody})`,
    refused,
    row.appliedTwice,
  ]);
  const cells = [head, ...lines.map((line) => line.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const text = cells.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
  return [...text, "", ...rotation.lines].join("\n");
}
