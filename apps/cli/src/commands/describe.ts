import { printableLine } from "@hawser/runtime";
import { Command } from "commander";
import type { Agent, DeadLetter, Resource } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { yamlText } from "../output/yaml-text.js";
import { deadLetterColumns, resourceColumns, seen } from "../output/columns.js";
import { isForPeople } from "../output/output-format.js";
import { printObject, tableOf } from "../output/print.js";
import { paintState } from "../output/style.js";
import { formatDuration } from "../output/table.js";
import { waitText } from "../output/wait-text.js";
import { parseReference, referenceOf } from "../resource-reference.js";
import type { Terminal } from "../terminal.js";

export function describeCommand(context: CommandContext): Command {
  const command = new Command("describe")
    .description(
      "show everything about an agent, or about one resource: spec, status, versions, why it waits, dead letters",
    )
    .argument("<reference>", "AGENT or AGENT/KIND/NAME")
    .action((reference: string) => describe(context, reference));
  return withExamples(command, "hawser describe edge-1", "hawser describe edge-1/Task/clock");
}

async function describe(context: CommandContext, text: string): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const client = context.connect();
  const target = parseReference(text);
  if (target.scope === "agent") {
    const agent = await client.agent(target.agent);
    const resources = await client.list(target.agent);
    const deadLetters = await client.deadLetters(target.agent);
    const asked = { url: client.server.url, now: runtime.clock.wallTime() };
    if (isForPeople(output)) describeAgent(terminal, asked, agent, resources, deadLetters);
    else printObject(terminal, output, { agent, resources, deadLetters });
    return;
  }
  const resource = await client.get(target);
  const resourceid = `${target.name}_${resource.uid}`;
  const deadLetters = (await client.deadLetters(target.agent)).filter(
    (letter) => letter.resourceid === resourceid || letter.eventid === resource.version,
  );
  if (isForPeople(output)) describeResource(terminal, resource, runtime.clock.wallTime(), deadLetters);
  else printObject(terminal, output, { resource, deadLetters });
}

/** Whom one asks is who holds it: no other principal serves from the same store. */
interface Asked {
  readonly url: string;
  readonly now: number;
}

function describeAgent(
  terminal: Terminal,
  { url, now }: Asked,
  agent: Agent,
  resources: readonly Resource[],
  deadLetters: readonly DeadLetter[],
): void {
  const { session } = agent;
  facts(terminal, [
    ["Agent", agent.name],
    ["State", `${agent.state} (${agent.reason})`],
    [
      "Session",
      session && `${session.transport}, ${formatDuration(session.ageMs)} old, ${session.inFlight} in flight`,
    ],
    ["Epoch", session?.epoch?.toString()],
    ["Address", session?.address],
    ["Software", session?.software],
    ["Principal", url],
    ["Last seen", agent.lastSeenAt && `${seen(agent.lastSeenAt, now)} (${agent.lastSeenAt})`],
    ["Last ACK", agent.lastAckAt],
    ["Pending", String(agent.pending)],
    ["Dead letters", String(agent.deadLetters)],
  ]);
  terminal.out(`\n${terminal.style.bold("Resources")}`);
  terminal.out(
    resources.length === 0 ? "  none" : indent(tableOf(terminal, "table", resources, resourceColumns(now))),
  );
  showDeadLetters(terminal, deadLetters);
}

function describeResource(
  terminal: Terminal,
  resource: Resource,
  now: number,
  deadLetters: readonly DeadLetter[],
): void {
  facts(terminal, [
    ["Resource", referenceOf(resource)],
    ["State", stateText(resource)],
    ["Waits", waitText(resource, now)],
    ["Version", resource.version],
    ["Observed", resource.observedVersion ?? "not yet"],
    ["Uid", resource.uid],
    ["Updated", resource.updatedAt],
    ["Reported", resource.statusAt],
  ]);
  terminal.out(`\n${terminal.style.bold("Spec")}\n${indent(yamlText(resource.spec))}`);
  const status = resource.status === undefined ? "nothing was reported yet" : yamlText(resource.status);
  terminal.out(`\n${terminal.style.bold("Status")}\n${indent(status)}`);
  showDeadLetters(terminal, deadLetters);
}

function stateText({ state }: Resource): string {
  if (state !== "purged") return state;
  return "purged: thrown away while it was pending, not delivered; apply it again to send it";
}

function facts(terminal: Terminal, rows: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of rows) {
    if (value === undefined) continue;
    const [word = "", ...rest] = printableLine(value).split(" ");
    const shown =
      name === "State" ? [paintState(terminal.style, word), ...rest].join(" ") : printableLine(value);
    terminal.out(`${terminal.style.bold(`${name}:`.padEnd(14))}${shown}`);
  }
}

function showDeadLetters(terminal: Terminal, deadLetters: readonly DeadLetter[]): void {
  if (deadLetters.length === 0) return;
  terminal.out(
    `\n${terminal.style.bad("Dead letters")}\n${indent(tableOf(terminal, "table", deadLetters, deadLetterColumns))}`,
  );
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
