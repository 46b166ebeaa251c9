import type { PrincipalObserver } from "@hawser/principal";
import type { AgentSeries } from "./agent-series.js";

export interface MetricsSinks {
  readonly series: AgentSeries;
  sessionRefused(code: string): void;
  logLineSuppressed(): void;
  /** From sending an event to its ACK; only events that were sent once are measured. */
  ackSeconds(seconds: number): void;
}

/** Counts what a principal and its sessions tell. Each call costs a look-up and an addition. */
export function countingObserver({
  series,
  sessionRefused,
  logLineSuppressed,
  ackSeconds,
}: MetricsSinks): PrincipalObserver {
  return {
    accepted(agent) {
      series.of(agent).accepted += 1;
    },
    rejected(agent, code) {
      series.ofStranger(agent).rejected.add(code);
    },
    purged(agent, { purged }) {
      series.of(agent).purged += purged;
    },
    sessionRefused(_agent, code) {
      sessionRefused(code);
    },
    logLineSuppressed,
    // Looked up each time: a link that outlives `gone` must not go on counting into a series that nobody reads.
    link: (agent) => ({
      sent(_event, attempt) {
        const counts = series.of(agent);
        counts.sent += 1;
        if (attempt > 1) counts.resent += 1;
      },
      acked({ rttMs }) {
        series.of(agent).acked += 1;
        if (rttMs !== undefined) ackSeconds(rttMs / 1000);
      },
      nacked({ retryable }) {
        if (retryable) series.of(agent).nackedRetryable += 1;
        else series.of(agent).nackedForGood += 1;
      },
      deadLettered(_event, code) {
        series.of(agent).deadLetters.add(code);
      },
      applied() {
        series.of(agent).applied += 1;
      },
      skipped(_event, why) {
        series.of(agent).skipped[why] += 1;
      },
      refused(_event, retryable) {
        if (retryable) series.of(agent).refusedRetryable += 1;
        else series.of(agent).refusedForGood += 1;
      },
    }),
    gone: (agent) => series.remove(agent),
  };
}
