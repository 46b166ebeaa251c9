import { Command } from "commander";
import type { Status } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { isForPeople } from "../output/output-format.js";
import { printObject } from "../output/print.js";
import { paintState } from "../output/style.js";
import { formatDuration } from "../output/table.js";

export function statusCommand(context: CommandContext): Command {
  const command = new Command("status")
    .description("show the principal: state, version, agents, what is pending")
    .action(() => status(context));
  return withExamples(command, "hawser status", "hawser status --output json | jq .pending");
}

async function status(context: CommandContext): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const client = context.connect();
  const answer: Status = await client.status();
  if (!isForPeople(output)) {
    printObject(terminal, output, answer);
    return;
  }
  const upMs = runtime.clock.wallTime() - Date.parse(answer.startedAt);
  const sessions = Object.entries(answer.sessionsByTransport).map(([name, count]) => `${name} ${count}`);
  const rows: (readonly [string, string])[] = [
    ["Server", client.server.url],
    ["State", paintState(terminal.style, answer.state)],
    ["Version", `${answer.version} (protocol ${answer.protocolVersions.join(", ")})`],
    ["Up", `${formatDuration(upMs)}, since ${answer.startedAt}`],
    ["Agents", `${answer.agents.connected} connected of ${answer.agents.known} known`],
    ["Sessions", sessions.length === 0 ? "none" : sessions.join(", ")],
    ["Pending", String(answer.pending)],
    ["Dead letters", String(answer.deadLetters)],
  ];
  const { rollback } = answer;
  if (rollback !== undefined) {
    const by = rollback.agents === 1 ? "1 agent" : `${rollback.agents} agents`;
    rows.push(["Store", `${terminal.style.bad(`store_rolled_back, say ${by}`)}: ${rollback.message}`]);
  }
  for (const [name, value] of rows) terminal.out(`${terminal.style.bold(`${name}:`.padEnd(14))}${value}`);
}
