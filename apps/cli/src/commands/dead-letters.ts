import { Command } from "commander";
import type { Accepted, DeadLetter } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { deadLetterColumns } from "../output/columns.js";
import { isForPeople } from "../output/output-format.js";
import { printList } from "../output/print.js";
import { eachWithProgress } from "../output/progress.js";

interface Some {
  readonly all?: true;
}

export function deadLettersCommand(context: CommandContext): Command {
  const command = new Command("dead-letters").description(
    "events that agents refused for good, or that expired: look, send again, discard",
  );
  const list = new Command("list")
    .description("of an agent, or of all")
    .argument("[agent]")
    .action((agent: string | undefined) => listDeadLetters(context, agent));
  const requeue = new Command("requeue")
    .description("send them again, each as a new version")
    .argument("<agent>")
    .argument("[eventid...]", "column EVENT of the list")
    .option("--all", "every one of this agent")
    .action((agent: string, ids: readonly string[], some: Some) => requeueSome(context, agent, ids, some));
  const discard = new Command("discard")
    .description("remove them for good")
    .argument("<agent>")
    .argument("[eventid...]", "column EVENT of the list")
    .option("--all", "every one of this agent")
    .action((agent: string, ids: readonly string[], some: Some) => discardSome(context, agent, ids, some));
  command.addCommand(
    withExamples(list, "hawser dead-letters list", "hawser dead-letters list edge-1 --output json"),
  );
  command.addCommand(
    withExamples(
      requeue,
      "hawser dead-letters requeue edge-1 42",
      "hawser dead-letters requeue edge-1 --all",
    ),
  );
  command.addCommand(
    withExamples(
      discard,
      "hawser dead-letters discard edge-1 42",
      "hawser dead-letters discard edge-1 --all",
    ),
  );
  return withExamples(command, "hawser dead-letters list", "hawser dead-letters requeue edge-1 42");
}

async function listDeadLetters(context: CommandContext, agent: string | undefined): Promise<void> {
  const client = context.connect();
  const letters: DeadLetter[] = [];
  const names =
    agent === undefined
      ? (await client.agents()).filter(({ deadLetters }) => deadLetters > 0).map(({ name }) => name)
      : [agent];
  await eachWithProgress(context.terminal, context.runtime.timers, {
    label: "reading",
    items: names,
    laneOf: (name) => name,
    step: (name) => client.deadLetters(name),
    tell: (found) => void letters.push(...found),
  });
  const whenEmpty = agent === undefined ? "no dead letters" : `no dead letters for agent ${agent}`;
  printList(context.terminal, context.globals().output, letters, deadLetterColumns, whenEmpty);
}

async function requeueSome(
  context: CommandContext,
  agent: string,
  given: readonly string[],
  some: Some,
): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const client = context.connect();
  const ids = await chosen(context, agent, given, some);
  const accepted: (Accepted & { readonly agent: string })[] = [];
  try {
    await eachWithProgress(terminal, runtime.timers, {
      label: "requeueing",
      items: ids,
      // Commands were given in an order.
      laneOf: () => agent,
      step: (id) => client.requeue(agent, id),
      tell(answer) {
        accepted.push({ agent, ...answer });
        if (isForPeople(output))
          terminal.out(`${agent} ${answer.resourceid} sent again, version ${answer.eventid}`);
      },
    });
  } finally {
    if (!isForPeople(output)) printList(terminal, output, accepted, [], "");
  }
  if (isForPeople(output) && ids.length === 0) terminal.err(`no dead letters for agent ${agent}`);
}

async function discardSome(
  context: CommandContext,
  agent: string,
  given: readonly string[],
  some: Some,
): Promise<void> {
  const { terminal, runtime } = context;
  const { output } = context.globals();
  const client = context.connect();
  const ids = await chosen(context, agent, given, some);
  const discarded: { agent: string; eventid: string }[] = [];
  try {
    await eachWithProgress(terminal, runtime.timers, {
      label: "discarding",
      items: ids,
      laneOf: (eventid) => eventid,
      async step(eventid) {
        await client.discard(agent, eventid);
        return { agent, eventid };
      },
      tell(one) {
        discarded.push(one);
        if (isForPeople(output)) terminal.out(`${agent} ${one.eventid} discarded`);
      },
    });
  } finally {
    if (!isForPeople(output)) printList(terminal, output, discarded, [], "");
  }
  if (isForPeople(output) && ids.length === 0) terminal.err(`no dead letters for agent ${agent}`);
}

async function chosen(
  context: CommandContext,
  agent: string,
  ids: readonly string[],
  { all }: Some,
): Promise<readonly string[]> {
  if (all === true && ids.length > 0) throw usageError("give event ids, or --all");
  if (all === true) return (await context.connect().deadLetters(agent)).map(({ eventid }) => eventid);
  if (ids.length > 0) return ids;
  throw usageError(`give event ids, or --all; 'hawser dead-letters list ${agent}' shows them`);
}
