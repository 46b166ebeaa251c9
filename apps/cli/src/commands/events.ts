import { defined, type Clock, type Timer } from "@hawser/runtime";
import { Command, Option } from "commander";
import { followStream } from "../api/follow-stream.js";
import { EVENT_STEPS, type EventStepName } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { parseSince, type Since } from "../command/since-option.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { parseStep, StepPrinter, type EventLine } from "./event-steps.js";
import { recordedEvents } from "./recorded-events.js";

interface EventsOptions {
  readonly follow?: true;
  readonly step?: readonly EventStepName[];
  readonly since?: Since;
  readonly recorded?: true;
  readonly type?: string;
  readonly source?: string;
}

/** Without --follow: so long nothing new, and what is remembered has been told. */
const QUIET_MS = 750;
/** An id that no principal gave: everything it remembers comes after it. */
const BEFORE_EVERYTHING = "0-0";
const GAP =
  "hawser: some steps are missing here: the principal remembers the last 10,000, and not over a restart";

export function eventsCommand(context: CommandContext): Command {
  const command = new Command("events")
    .description(
      "show the steps in the life of events: what the principal remembers of them, or live; or the events that agents sent",
    )
    .argument("[agent]", "of this agent alone")
    .option("-F, --follow", "from now on, until Ctrl-C; a stream that breaks off is resumed where it was")
    .option(
      "--since <when>",
      "begin so long ago, such as 10m, or behind this id (the field id in --output jsonl)",
      parseSince,
    )
    .addOption(new Option("--step <step...>", "these steps alone").choices(EVENT_STEPS))
    .option("--recorded", "the events that agents sent, as the principal keeps them, instead of steps")
    .option("--type <type>", "with --recorded: of this type; * stands for any characters")
    .option("--source <uri>", "with --recorded: from this source; * stands for any characters")
    .action((agent: string | undefined, options: EventsOptions) => events(context, agent, options));
  return withExamples(
    command,
    "hawser events --follow",
    "hawser events edge-1 --step nacked dead_letter refused",
    "hawser events --since 10m",
    "hawser events --follow --output jsonl | jq .latencyMs",
    "hawser events --recorded edge-1 --type 'com.example.*'",
    "hawser events --recorded --follow --output jsonl",
  );
}

async function events(
  context: CommandContext,
  agent: string | undefined,
  options: EventsOptions,
): Promise<void> {
  if (options.recorded === true) {
    if (options.step !== undefined) throw usageError("--step is about steps; leave it or --recorded out");
    return recordedEvents(context, agent, options);
  }
  if (options.type !== undefined || options.source !== undefined)
    throw usageError("--type and --source go with --recorded");
  return followSteps(context, agent, options);
}

async function followSteps(
  context: CommandContext,
  agent: string | undefined,
  options: EventsOptions,
): Promise<void> {
  const { terminal, runtime } = context;
  const follow = options.follow === true;
  const printer = new StepPrinter(terminal, context.globals().output);
  const { fromAtMs, lastEventId } = beginningOf(options, runtime.clock);
  const told = new AbortController();
  let quiet: Timer | undefined;
  const heard = (): void => {
    quiet?.cancel();
    if (!follow) quiet = runtime.timers.after(QUIET_MS, () => told.abort());
  };
  try {
    await followStream({
      server: context.connect().server,
      path:
        agent === undefined ? "/v1/streams/events" : `/v1/streams/events?agent=${encodeURIComponent(agent)}`,
      timers: runtime.timers,
      random: runtime.random,
      signal: AbortSignal.any([terminal.interrupted, terminal.readerGone, told.signal]),
      ...defined({ lastEventId }),
      onOpen: heard,
      onEvent(event) {
        heard();
        const line = parseStep(event);
        if (line === undefined) {
          const isAsked = (follow || options.since !== undefined) && fromAtMs === undefined;
          if (event.event === "gap" && isAsked) terminal.err(GAP);
          if (event.event === "lagged") terminal.err("hawser: read too slowly; going on where it stopped");
        } else if (options.step?.includes(line.step) !== false && isSince(line, fromAtMs))
          printer.print(line);
      },
      onInterrupted(reason, retryInMs) {
        const wait = (retryInMs / 1000).toFixed(1);
        if (follow) terminal.err(`hawser: the stream broke off (${reason}); resuming in ${wait}s`);
      },
      onResumed: () => terminal.err("hawser: the stream goes on"),
    });
  } finally {
    quiet?.cancel();
  }
}

/** Where the stream begins: behind an id, with all that is remembered, or now. A time is for this command to look at. */
function beginningOf(
  { since, follow }: EventsOptions,
  clock: Clock,
): { readonly fromAtMs: number | undefined; readonly lastEventId: string | undefined } {
  if (since === undefined)
    return { fromAtMs: undefined, lastEventId: follow === true ? undefined : BEFORE_EVERYTHING };
  if ("id" in since) return { fromAtMs: undefined, lastEventId: since.id };
  return { fromAtMs: clock.wallTime() - since.agoMs, lastEventId: BEFORE_EVERYTHING };
}

/** By the clock of the principal: whoever asks has it about right. */
function isSince({ at }: EventLine, fromAtMs: number | undefined): boolean {
  return fromAtMs === undefined || Date.parse(at) >= fromAtMs;
}
