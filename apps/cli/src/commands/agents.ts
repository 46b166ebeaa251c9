import { Command, Option } from "commander";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { agentColumns, REMOVED_COLUMNS } from "../output/columns.js";
import type { Agent } from "../api/schemas.js";
import { EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import { SORTS, type ListOrder } from "../output/list-keys.js";
import { parseExtract, printExtract } from "../output/extract.js";
import { isForPeople } from "../output/output-format.js";
import { printList, printObject } from "../output/print.js";
import { parseResourceName, type ResourceInAgent } from "../resource-reference.js";
import { watchByLine } from "../watch/watch-by-line.js";
import { watchOnScreen } from "../watch/watch-on-screen.js";

interface AgentsOptions {
  readonly state?: string;
  readonly name?: string;
  readonly sort?: ListOrder["sort"];
  readonly order?: ListOrder["order"];
  readonly watch?: true;
  readonly removed?: true;
}

interface RemoveOptions {
  readonly force?: true;
  readonly tombstone: boolean;
}

interface PurgeOptions {
  readonly resource?: string;
  readonly yes?: true;
}

export function agentsCommand(context: CommandContext): Command {
  const command = new Command("agents")
    .description("show agents and their sessions")
    .addOption(new Option("--state <state>", "those in this state").choices(["connected", "disconnected"]))
    .option("--name <prefix>", "those whose names begin so")
    .addOption(new Option("--sort <field>", "by what").choices(SORTS))
    .addOption(new Option("--order <order>", "of the sort").choices(["asc", "desc"]))
    .option(
      "-w, --watch",
      "all of them, and then what changes, until Ctrl-C: on a terminal a live table (arrows scroll, ? shows the keys, q ends it), else line by line",
    )
    .option("--removed", "those that were removed, and are refused when they come back")
    .action((options: AgentsOptions) => listed(options)(context, options));
  const remove = new Command("remove")
    .description(
      "forget an agent for good: its session ends, all that is kept for it goes, and it is refused when it comes back",
    )
    .argument("<agent>")
    .option("--force", "although events for it are pending")
    .option("--no-tombstone", "let it begin anew when it comes back")
    .action((agent: string, options: RemoveOptions) => removeAgent(context, agent, options));
  command.addCommand(
    withExamples(
      remove,
      "hawser agents remove edge-1",
      "hawser agents remove edge-1 --force",
      "hawser agents remove edge-1 --no-tombstone",
    ),
  );
  const readmit = new Command("readmit")
    .description("let a removed agent in again, which begins anew")
    .argument("<agent>")
    .action((agent: string) => readmitAgent(context, agent));
  command.addCommand(withExamples(readmit, "hawser agents readmit edge-1"));
  const purge = new Command("purge")
    .description("throw away what is pending for an agent, or what of it is about one resource")
    .argument("<agent>")
    .option("--resource <kind/name>", "its specs, deletes and commands alone, such as Task/clock")
    .option("-y, --yes", "without asking; needed where nobody can be asked")
    .action((agent: string, options: PurgeOptions) => purgeAgent(context, agent, options));
  command.addCommand(
    withExamples(
      purge,
      "hawser agents purge edge-1",
      "hawser agents purge edge-1 --resource Task/clock",
      "hawser agents purge edge-1 --yes --output json",
    ),
  );
  return withExamples(
    command,
    "hawser agents",
    "hawser agents --state disconnected --output wide",
    "hawser agents --sort pending --order desc --output json",
    "hawser agents --state connected --output name",
    "hawser agents --removed",
    "hawser agents --watch",
    "hawser agents --watch --output jsonl | jq -c 'select(.change == \"agent\").agent.name'",
  );
}

function listed({ watch: isWatched, removed, ...narrowed }: AgentsOptions): typeof list {
  if (removed !== true) return isWatched === true ? watch : list;
  if (isWatched === true || Object.keys(narrowed).length > 0)
    throw usageError("--removed lists all of them, in order of name, and goes with no other option");
  return listRemoved;
}

async function listRemoved(context: CommandContext): Promise<void> {
  const found = await context.connect().removedAgents();
  const { output } = context.globals();
  printList(
    context.terminal,
    output,
    found,
    REMOVED_COLUMNS,
    "no agents were removed, or all were readmitted",
  );
}

async function readmitAgent(context: CommandContext, agent: string): Promise<void> {
  await context.connect().readmitAgent(agent);
  const { output } = context.globals();
  if (isForPeople(output))
    context.terminal.out(
      `${agent} may come again: it tries by itself within 10 minutes, or at once when it is restarted`,
    );
  else printList(context.terminal, output, [{ agent }], [], "");
}

async function removeAgent(
  context: CommandContext,
  agent: string,
  { force, tombstone }: RemoveOptions,
): Promise<void> {
  await context.connect().removeAgent(agent, { force: force === true, tombstone });
  const { output } = context.globals();
  if (isForPeople(output)) context.terminal.out(`${agent} removed`);
  else printList(context.terminal, output, [{ agent }], [], "");
}

async function purgeAgent(context: CommandContext, agent: string, flags: PurgeOptions): Promise<void> {
  const { terminal, connect, globals } = context;
  const resource = flags.resource === undefined ? undefined : parseResourceName(flags.resource);
  const client = connect();
  if (flags.yes !== true) await agreeToPurge(context, await client.agent(agent), resource);
  const answer = await client.purge(agent, resource);
  const { output } = globals();
  if (!isForPeople(output)) return printObject(terminal, output, { agent, ...answer });
  terminal.out(`${agent}: ${pendingEvents(answer.purged)} thrown away, ${answer.left} left`);
  if (answer.inFlight > 0)
    terminal.out(
      `${answer.inFlight} of them had been sent already: ${agent} may have applied them, or may yet`,
    );
}

function pendingEvents(count: number): string {
  return `${count} pending ${count === 1 ? "event" : "events"}`;
}

/** What is thrown away nobody brings back but its publisher, and the wrong agent is quickly named. */
async function agreeToPurge(
  { terminal, connect, globals }: CommandContext,
  { name, pending, state }: Agent,
  resource: ResourceInAgent | undefined,
): Promise<void> {
  const what = resource === undefined ? "all of them" : `those about ${resource.kind}/${resource.name}`;
  terminal.err(
    `${pendingEvents(pending)} for ${name} (${state}), of the principal at ${connect().server.url}; purge will throw away ${what}`,
  );
  if (!terminal.inIsTerminal || !terminal.errIsTerminal || !isForPeople(globals().output))
    throw usageError("nothing was changed: add --yes to agree");
  if (await terminal.confirm("Throw them away?")) return;
  terminal.err("nothing was changed");
  throw new QuietExit(EXIT_CODES.failed);
}

async function watch(context: CommandContext, options: AgentsOptions): Promise<void> {
  const { output } = context.globals();
  const { sort, order } = options;
  if (context.terminal.outIsTerminal && isForPeople(output)) {
    await watchOnScreen(context, output, options, { sort: sort ?? "name", order: order ?? "asc" });
    return;
  }
  if (sort !== undefined || order !== undefined)
    throw usageError("changes come in the order they happen; --sort and --order are for the live table");
  await watchByLine(context, output, options);
}

async function list(context: CommandContext, { state, name, sort, order }: AgentsOptions): Promise<void> {
  const named = context.extract();
  const extract = named === undefined ? undefined : parseExtract(named);
  const found = await context.connect().agents({ state, name, sort, order });
  if (extract !== undefined) {
    printExtract(context.terminal, extract, { list: found }, { nameOf: (agent) => agent.name });
    return;
  }
  const filtered = state !== undefined || name !== undefined;
  const whenEmpty = filtered
    ? "no agents like that"
    : "no agents yet; start one, or apply a manifest for one";
  printList(
    context.terminal,
    context.globals().output,
    found,
    agentColumns(context.runtime.clock.wallTime()),
    whenEmpty,
  );
}
