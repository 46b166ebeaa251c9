import { printableLine } from "@hawser/runtime";
import type { Timer } from "@hawser/runtime";
import { Command, Option } from "commander";
import { z } from "zod";
import { followStream } from "../api/follow-stream.js";
import { EVENT_STEPS, eventStepSchema, type EventStepName } from "../api/schemas.js";
import type { ServerSentEvent } from "../api/sse-parser.js";
import type { CommandContext } from "../command/command-context.js";
import { parseSince, type Since } from "../command/since-option.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { jsonText } from "../output/json-text.js";
import { yamlText } from "../output/yaml-text.js";
import { paintState, type Style } from "../output/style.js";
import { recordedEvents } from "./recorded-events.js";

interface EventsOptions {
  readonly follow?: true;
  readonly step?: readonly EventStepName[];
  readonly since?: Since;
  readonly recorded?: true;
  readonly type?: string;
  readonly source?: string;
}

/** A step in the life of an event, as this command prints it. */
export const eventLineSchema = eventStepSchema.extend({
  step: z.enum(EVENT_STEPS),
  id: z.string().optional(),
});
export type EventLine = z.infer<typeof eventLineSchema>;

/** Without --follow: so long nothing new, and what is remembered has been told. */
const QUIET_MS = 750;
/** An id that no principal gave: everything it remembers comes after it. */
const BEFORE_EVERYTHING = "0-0";

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
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const { server } = context.connect();
  const follow = options.follow === true;
  const told = new AbortController();
  let quiet: Timer | undefined;
  let isTitled = false;
  const heard = (): void => {
    quiet?.cancel();
    if (!follow) quiet = runtime.timers.after(QUIET_MS, () => told.abort());
  };
  const { since } = options;
  const fromAtMs =
    since !== undefined && "agoMs" in since ? runtime.clock.wallTime() - since.agoMs : undefined;
  const lastEventId =
    since !== undefined && "id" in since ? since.id : firstId(follow && fromAtMs === undefined);
  try {
    await followStream({
      server,
      path:
        agent === undefined ? "/v1/streams/events" : `/v1/streams/events?agent=${encodeURIComponent(agent)}`,
      timers: runtime.timers,
      random: runtime.random,
      signal: AbortSignal.any([terminal.interrupted, terminal.readerGone, told.signal]),
      ...(lastEventId === undefined ? {} : { lastEventId }),
      onOpen: heard,
      onEvent(event) {
        heard();
        const line = parseLine(event);
        if (line === undefined) {
          if (event.event === "gap" && (follow || options.since !== undefined) && fromAtMs === undefined)
            terminal.err(
              "hawser: some steps are missing here: the principal remembers the last 10,000, and not over a restart",
            );
          if (event.event === "lagged") terminal.err("hawser: read too slowly; going on where it stopped");
        } else if (options.step?.includes(line.step) !== false && isSince(line, fromAtMs)) {
          if (output === "table" || output === "wide") {
            const isShort = output === "table" && terminal.outIsTerminal;
            if (!isTitled) terminal.out(terminal.style.bold(TITLES));
            isTitled = true;
            terminal.out(lineOf(isShort ? withShortUid(line) : line, terminal.style));
          } else if (output === "yaml") terminal.out(`---\n${yamlText(line)}`);
          else terminal.out(jsonText(line));
        }
      },
      onInterrupted(reason, retryInMs) {
        if (follow)
          terminal.err(
            `hawser: the stream broke off (${reason}); resuming in ${(retryInMs / 1000).toFixed(1)}s`,
          );
      },
      onResumed: () => terminal.err("hawser: the stream goes on"),
    });
  } finally {
    quiet?.cancel();
  }
}

function firstId(isLiveOnly: boolean): string | undefined {
  return isLiveOnly ? undefined : BEFORE_EVERYTHING;
}

/** By the clock of the principal: whoever asks has it about right. */
function isSince({ at }: EventLine, fromAtMs: number | undefined): boolean {
  return fromAtMs === undefined || Date.parse(at) >= fromAtMs;
}

function parseLine({ event, data, id }: ServerSentEvent): EventLine | undefined {
  const step = EVENT_STEPS.find((known) => known === event);
  if (step === undefined) return undefined;
  const parsed = eventStepSchema.safeParse(parseJson(data));
  return parsed.success ? { step, ...(id === undefined ? {} : { id }), ...parsed.data } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As wide as `lineOf` makes the cells. */
const TITLES = `${"TIME".padEnd(12)}  ${"AGENT".padEnd(12)}  ${"STEP".padEnd(11)}  ${"EVENT".padEnd(28)}  DETAILS`;

/** Whoever looks at lines wants to tell resources apart; `wide` has all of it. */
function withShortUid(line: EventLine): EventLine {
  const resourceid = line.resourceid.replace(
    /(_[0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "$1",
  );
  return { ...line, resourceid };
}

function lineOf(line: EventLine, style: Style): string {
  const time = line.at.slice(11, 23).padEnd(12);
  const more = [
    line.type,
    line.attempt === undefined || line.attempt <= 1 ? undefined : `attempt ${line.attempt}`,
    line.latencyMs === undefined ? undefined : `${line.latencyMs.toFixed(1)}ms`,
    line.code,
    line.message,
  ].filter((part) => part !== undefined);
  const step = paintState(style, line.step) + " ".repeat(Math.max(0, 11 - line.step.length));
  const event = `${printableLine(line.resourceid)} v${line.eventid}`;
  return `${style.dim(time)}  ${printableLine(line.agent).padEnd(12)}  ${step}  ${event.padEnd(28)}  ${printableLine(more.join("  "))}`.trimEnd();
}
