import { parseArgs } from "node:util";
import { createTelemetry } from "@hawser/telemetry";
import { context, propagation, trace } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  type Sampler,
} from "@opentelemetry/sdk-trace-node";
import { wholeNumber } from "../bench-options.js";
import { roundedSpread, type Spread } from "../spread.js";
import { idleChannelNs } from "./idle-channel.js";
import { TracedDelivery } from "./traced-delivery.js";

const FULL = { events: 40_000, rounds: 7 };
const QUICK = { events: 500, rounds: 1 };

/** `off`: nobody listens. The others: two spans for each event, which are dropped at once, or made and handed to an exporter that throws them away. */
const MODES = ["off", "unsampled", "sampled"] as const;
type Mode = (typeof MODES)[number];

const SAMPLERS: Readonly<Record<Mode, Sampler | undefined>> = {
  off: undefined,
  unsampled: new AlwaysOffSampler(),
  sampled: new AlwaysOnSampler(),
};

/** What tracing costs an event. */
export async function tracing(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean" },
      quick: { type: "boolean" },
      events: { type: "string" },
      rounds: { type: "string" },
    },
    strict: true,
  });
  const base = values.quick === true ? QUICK : FULL;
  const events = wholeNumber("events", values.events, base.events);
  const rounds = wholeNumber("rounds", values.rounds, base.rounds);
  const idle = roundedSpread(idleChannelNs(rounds));
  const costs = await measure(events, rounds);
  const print = values.json === true ? console.error : console.log;
  print(`a tracing channel without listeners: ${text(idle)} ns a call`);
  for (const mode of MODES) print(`${mode.padEnd(10)} ${text(costs[mode])} us of CPU time an event`);
  if (values.json === true)
    console.log(
      JSON.stringify({
        idleChannelNs: idle.median,
        cpuUsPerEvent: Object.fromEntries(MODES.map((mode) => [mode, costs[mode].median])),
      }),
    );
}

/** The modes take turns, so that all see the same machine. */
async function measure(events: number, rounds: number): Promise<Readonly<Record<Mode, Spread>>> {
  const found: Record<Mode, number[]> = { off: [], unsampled: [], sampled: [] };
  const delivery = new TracedDelivery();
  await delivery.start();
  await delivery.cpuUsPerEvent(events);
  for (let round = 0; round < rounds; round += 1)
    for (const mode of MODES)
      found[mode].push(await inMode(SAMPLERS[mode], () => delivery.cpuUsPerEvent(events)));
  await delivery.stop();
  return {
    off: roundedSpread(found.off),
    unsampled: roundedSpread(found.unsampled),
    sampled: roundedSpread(found.sampled),
  };
}

async function inMode<T>(sampler: Sampler | undefined, work: () => Promise<T>): Promise<T> {
  if (sampler === undefined) return work();
  const thrownAway = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    shutdown: async () => {},
  };
  const provider = new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(thrownAway)] });
  provider.register();
  const telemetry = createTelemetry();
  await telemetry.start();
  try {
    return await work();
  } finally {
    await telemetry.stop();
    await provider.shutdown();
    for (const api of [trace, context, propagation]) api.disable();
  }
}

function text({ median, min, max }: Spread): string {
  return `${median} (${min} to ${max})`;
}
