import { Counter, Gauge, type Registry } from "prom-client";

/** Counts who reads the streams of an API. */
export interface StreamMeter {
  /** How many are open now. */
  open(stream: string, count: number): void;
  /** One was asked for and not given. */
  refused(stream: string, code: string): void;
  /** A reader was told that it missed something. */
  gap(stream: string, reason: string): void;
}

const STREAMS: readonly string[] = ["events", "agents", "agent_events", "output"];
const GAPS: readonly string[] = ["lagged", "unknown_id", "failed"];

/** Who reads the streams of the API, and who did not hear of everything. All begin with 0, so that the first time counts. */
export function streamMeter(registry: Registry): StreamMeter {
  const streams = new Gauge({
    name: "hawser_api_streams",
    help: "Streams of the API that are open, by what they tell.",
    labelNames: ["stream"],
    registers: [registry],
  });
  const refusals = new Counter({
    name: "hawser_api_stream_refusals_total",
    help: "Streams of the API that were asked for and not given, by error code.",
    labelNames: ["stream", "code"],
    registers: [registry],
  });
  const gaps = new Counter({
    name: "hawser_api_stream_gaps_total",
    help: "Times a reader of a stream did not hear of everything and was told so, by reason: lagged, unknown_id or failed.",
    labelNames: ["stream", "reason"],
    registers: [registry],
  });
  for (const stream of STREAMS) {
    streams.set({ stream }, 0);
    for (const reason of GAPS) gaps.inc({ stream, reason }, 0);
  }
  return {
    open: (stream, count) => streams.set({ stream }, count),
    refused: (stream, code) => refusals.inc({ stream, code }),
    gap: (stream, reason) => gaps.inc({ stream, reason }),
  };
}
