import { Command, InvalidArgumentError, Option } from "commander";
import { pause } from "@hawser/runtime";
import type { ApiClient } from "../api/api-client.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption, parseDuration } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import {
  KEYS_HELP,
  ListState,
  naturalOrder,
  positionText,
  SORTS,
  type ListOrder,
} from "../output/list-keys.js";
import { LiveScreen } from "../output/live-screen.js";
import { isForPeople } from "../output/output-format.js";
import { printObject } from "../output/print.js";
import { FRAME_LINES, renderTop, type TopView } from "../top/render-top.js";
import { TrafficMeter } from "../top/traffic-meter.js";

interface TopOptions {
  readonly once?: true;
  readonly interval: number;
  readonly sort: ListOrder["sort"];
}

const DEFAULT_INTERVAL_MS = 1_000;
const MIN_INTERVAL_MS = 200;
/** The first by an order, through which one scrolls: the others are the first ones the other way round, or in `agents --watch`. */
const SCROLLED_AGENTS = 500;

export function topCommand(context: CommandContext): Command {
  const command = new Command("top")
    .description(
      "live view of agents, rates, what is pending, resends and latency: arrows scroll, ? shows the keys, q ends it. One look where there is no terminal",
    )
    .option("--once", "one look, also on a terminal")
    .addOption(
      durationOption(
        "--interval <duration>",
        "between two looks, 200ms or more",
        DEFAULT_INTERVAL_MS,
      ).argParser(parseInterval),
    )
    .addOption(new Option("--sort <field>", "which agents come first").choices(SORTS).default("pending"))
    .action((options: TopOptions) => top(context, options));
  return withExamples(
    command,
    "hawser top",
    "hawser top --sort name --interval 5s",
    "hawser top --once --output json",
  );
}

function parseInterval(text: string): number {
  const intervalMs = parseDuration(text);
  if (intervalMs >= MIN_INTERVAL_MS) return intervalMs;
  throw new InvalidArgumentError(`give ${MIN_INTERVAL_MS}ms or more; each look asks the principal`);
}

async function top(context: CommandContext, options: TopOptions): Promise<void> {
  const { terminal, globals } = context;
  const { output } = globals();
  const { interval: intervalMs, sort } = options;
  const meter = new TrafficMeter();
  const client = context.connect();
  if (options.once !== true && terminal.outIsTerminal && isForPeople(output)) {
    await fullScreen(context, client, meter, sort, intervalMs);
    return;
  }
  const order = naturalOrder(sort);
  // Rates need two looks.
  await look(context, client, meter, order, SCROLLED_AGENTS);
  await pause(context.runtime.timers, intervalMs, terminal.interrupted);
  const view = await look(context, client, meter, order, SCROLLED_AGENTS);
  if (!isForPeople(output)) {
    printObject(terminal, output, asOutput(view));
    return;
  }
  const hidden = view.status.agents.known - view.agents.length;
  const more = hidden > 0 ? [terminal.style.dim(`and ${hidden} more`)] : [];
  terminal.out([...renderTop(view, terminal.style), ...more].join("\n"));
}

async function fullScreen(
  context: CommandContext,
  client: ApiClient,
  meter: TrafficMeter,
  sort: ListOrder["sort"],
  intervalMs: number,
): Promise<void> {
  const { terminal, runtime } = context;
  const { style } = terminal;
  const list = new ListState(naturalOrder(sort));
  const room = (): number => Math.max(1, terminal.rows - FRAME_LINES);
  // The first look before the screen is taken: what fails here is read where people read errors.
  let view = await look(context, client, meter, list.order, SCROLLED_AGENTS);
  let note = "";
  const screen = new LiveScreen(terminal, (key) => list.press(key, view.agents.length, room()));

  /** A principal that is being restarted comes back; anything else is an end. */
  async function orOld(looking: Promise<TopView>): Promise<void> {
    try {
      view = await looking;
      note = "";
    } catch (thrown) {
      if (!(thrown instanceof CommandError) || thrown.exitCode !== EXIT_CODES.unreachable) throw thrown;
      note = style.bad("the principal does not answer; what is shown is old");
    }
  }

  function lines(): readonly string[] {
    const offset = list.offset(view.agents.length, room());
    const shown = view.agents.slice(offset, offset + room());
    const { known } = view.status.agents;
    const position = style.dim(positionText(list.order, offset, shown.length, known));
    const keys = style.dim(terminal.inIsTerminal ? "q ends, ? shows the keys" : "Ctrl-C ends");
    return [...renderTop({ ...view, agents: shown }, style), position, note || keys];
  }

  try {
    let lookAt = runtime.clock.now() + intervalMs;
    let { order } = list;
    while (!screen.ended.aborted) {
      screen.draw(list.showsKeys ? KEYS_HELP : lines());
      await screen.pause(runtime.timers, Math.max(0, lookAt - runtime.clock.now()));
      if (screen.ended.aborted) break;
      if (runtime.clock.now() >= lookAt) {
        await orOld(look(context, client, meter, list.order, SCROLLED_AGENTS));
        lookAt = runtime.clock.now() + intervalMs;
      } else if (order !== list.order) {
        // Only the order is another: rates of a moment would say nothing.
        await orOld(client.topAgents(list.order, SCROLLED_AGENTS).then((agents) => ({ ...view, agents })));
      }
      order = list.order;
    }
  } finally {
    screen.leave();
  }
}

/** Asked for rather than streamed: what is shown are the first few agents by an order, which the principal finds at a cost that does not grow with who else changes. */
async function look(
  { runtime }: CommandContext,
  client: ApiClient,
  meter: TrafficMeter,
  order: ListOrder,
  limit: number,
): Promise<TopView> {
  const [status, agents, metrics] = await Promise.all([
    client.status(),
    client.topAgents(order, limit),
    client.metrics(),
  ]);
  const traffic = metrics === undefined ? undefined : meter.look(metrics, runtime.clock.now());
  return { server: client.server.url, at: runtime.clock.wallTime(), status, agents, traffic };
}

function asOutput({ at, status, agents, traffic }: TopView): unknown {
  return {
    at: new Date(at).toISOString(),
    status,
    agents: agents.map((agent) => ({ ...agent, rates: traffic?.byAgent.get(agent.name) })),
    rates: traffic?.total,
    ackP50Ms: traffic?.ackP50Ms,
    ackP99Ms: traffic?.ackP99Ms,
  };
}
