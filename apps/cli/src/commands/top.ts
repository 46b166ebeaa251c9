import { Command, Option } from "commander";
import { pause } from "@hawser/runtime";
import type { ApiClient } from "../api/api-client.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { LiveScreen } from "../output/live-screen.js";
import { isForPeople } from "../output/output-format.js";
import { printObject } from "../output/print.js";
import { renderTop, type TopView } from "../top/render-top.js";
import { TrafficMeter } from "../top/traffic-meter.js";

interface TopOptions {
  readonly once?: true;
  readonly interval: number;
  readonly sort: string;
}

const DEFAULT_INTERVAL_MS = 1_000;
const MIN_INTERVAL_MS = 200;
/** Agents in a snapshot that nobody scrolls through. */
const SNAPSHOT_AGENTS = 500;
export function topCommand(context: CommandContext): Command {
  const command = new Command("top")
    .description(
      "live view of agents, rates, what is pending, resends and latency; q ends it. One look where there is no terminal",
    )
    .option("--once", "one look, also on a terminal")
    .addOption(durationOption("--interval <duration>", "between two looks", DEFAULT_INTERVAL_MS))
    .addOption(
      new Option("--sort <field>", "which agents come first")
        .choices(["pending", "name", "lastSeenAt"])
        .default("pending"),
    )
    .action((options: TopOptions) => top(context, options));
  return withExamples(
    command,
    "hawser top",
    "hawser top --sort name --interval 5s",
    "hawser top --once --output json",
  );
}

async function top(context: CommandContext, options: TopOptions): Promise<void> {
  const { terminal, globals } = context;
  const { output } = globals();
  const intervalMs = Math.max(MIN_INTERVAL_MS, options.interval);
  const meter = new TrafficMeter();
  const client = context.connect();
  if (options.once !== true && terminal.outIsTerminal && isForPeople(output)) {
    await fullScreen(context, client, meter, options.sort, intervalMs);
    return;
  }
  // Rates need two looks.
  await look(context, client, meter, options.sort, SNAPSHOT_AGENTS);
  await pause(context.runtime.timers, intervalMs, terminal.interrupted);
  const view = await look(context, client, meter, options.sort, SNAPSHOT_AGENTS);
  if (isForPeople(output)) terminal.out(renderTop(view, terminal.style, Number.MAX_SAFE_INTEGER).join("\n"));
  else printObject(terminal, output, asOutput(view));
}

async function fullScreen(
  context: CommandContext,
  client: ApiClient,
  meter: TrafficMeter,
  sort: string,
  intervalMs: number,
): Promise<void> {
  const { terminal, runtime } = context;
  // The first look before the screen is taken: what fails here is read where people read errors.
  let view = await look(context, client, meter, sort, terminal.rows);
  let note = "";
  const screen = new LiveScreen(terminal);
  const { ended } = screen;
  try {
    while (!ended.aborted) {
      const lines = renderTop(view, terminal.style, terminal.rows - 1);
      screen.draw([...lines, note || terminal.style.dim("q ends")]);
      await pause(runtime.timers, intervalMs, ended);
      if (ended.aborted) break;
      try {
        view = await look(context, client, meter, sort, terminal.rows);
        note = "";
      } catch (thrown) {
        // A principal that is being restarted comes back; anything else is an end.
        if (!(thrown instanceof CommandError) || thrown.exitCode !== EXIT_CODES.unreachable) throw thrown;
        note = terminal.style.bad("the principal does not answer; what is shown is old");
      }
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
  sort: string,
  limit: number,
): Promise<TopView> {
  const order = sort === "name" ? "asc" : "desc";
  const [status, agents, metrics] = await Promise.all([
    client.status(),
    client.topAgents({ sort, order }, limit),
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
