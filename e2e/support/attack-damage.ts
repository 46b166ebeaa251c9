import { expect } from "vitest";
import type { Figures } from "./delivery-samples.js";
import type { ProbeFigures } from "./health-probes.js";
import type { Cost } from "./principal-cost.js";

/** Within this the health port answers, whatever else happens. */
const MAX_HEALTH_MS = 100;
/** Attacks without a mending held the healthy agent up for seconds. Half of its events within this is a bound that a loaded machine keeps. */
const MAX_P50_MS = 2_000;

/** What an attack did. */
export interface Damage {
  readonly idle: Figures;
  readonly attacked: Figures;
  /** Of `newcomers`, those that had a session in time. */
  readonly gotIn: number;
  readonly newcomers: number;
  readonly health: ProbeFigures;
  readonly rssBeforeMb: number;
  readonly rssPeakMb: number;
  /** Of the principal meanwhile. */
  readonly cost: Cost;
  /** Of the events for the healthy agent, those it did not handle, and those it handled more than once. */
  readonly lost: number;
  readonly twice: number;
  readonly isAlive: boolean;
}

/** What holds of every attack. Times are told and not asserted, but for what no noise of a machine explains. */
export function expectHeld(damage: Damage, budgetMb: number): void {
  const { isAlive, gotIn, newcomers, health, lost, twice, attacked, rssBeforeMb, rssPeakMb } = damage;
  expect(isAlive).toBe(true);
  expect(gotIn).toBeGreaterThanOrEqual(Math.ceil(0.9 * newcomers));
  // One in ten may come while the machine itself stands still for longer than the port waits for a request.
  expect(health.good).toBeGreaterThanOrEqual(0.9 * health.asked);
  expect({ lost, twice }).toEqual({ lost: 0, twice: 0 });
  expect(attacked.ownP50Ms).toBeLessThan(MAX_P50_MS);
  expect(rssPeakMb - rssBeforeMb).toBeLessThanOrEqual(budgetMb);
}

/** The figures of the attack, for whoever reads the run. */
export function printDamage(damage: Damage, ownDelayMs: number): void {
  const { idle, attacked, gotIn, newcomers, health, rssBeforeMb, rssPeakMb, isAlive } = damage;
  const { forMs, times, loopP99Ms, loopMaxMs } = damage.cost;
  const boundMs = 2 * idle.p99Ms + 20;
  const ownBoundMs = 2 * idle.ownP99Ms + 20;
  const held = (isHeld: boolean): string => (isHeld ? "held" : "NOT HELD");
  const share = (ms: number): string => `${Math.round((100 * ms) / forMs)} %`;
  console.log(
    `${expect.getState().currentTestName ?? ""}: publish -> ACK p99 ${attacked.p99Ms} ms (idle ${idle.p99Ms}, bound ${boundMs}: ${held(attacked.p99Ms <= boundMs)}; ` +
      `less what the principal or this process waited for a core ${attacked.ownP99Ms} (idle ${idle.ownP99Ms}, bound ${ownBoundMs}: ${held(attacked.ownP99Ms <= ownBoundMs)}); ` +
      `p50 ${attacked.p50Ms} after ${idle.p50Ms}, slowest ${attacked.maxMs}, ${attacked.samples} samples after ${idle.samples}, this process late by ${Math.round(ownDelayMs)}), ` +
      `newcomers ${gotIn} of ${newcomers}, health ${health.good} of ${health.asked}, slowest ${health.slowestMs} ms (bound ${MAX_HEALTH_MS}: ${held(health.slowestMs <= MAX_HEALTH_MS)}), ` +
      `RSS ${rssBeforeMb} -> ${rssPeakMb} MB, the principal's loop late by ${Math.round(loopP99Ms)} (p99) to ${Math.round(loopMaxMs)} ms, its main thread ${share(times.mainMs)} of a core, ` +
      `${share(times.waitedMs)} waiting for one, ${times.cpuMs} ms of CPU, ${isAlive ? "alive" : "ENDED"}`,
  );
}
