import type { CommandContext } from "../command/command-context.js";
import { jsonText } from "../output/json-text.js";
import { yamlText } from "../output/yaml-text.js";
import { isForPeople, type OutputFormat } from "../output/output-format.js";
import type { AgentChange } from "./agent-change.js";
import { followAgents, type AgentsWanted } from "./follow-agents.js";
import { lineOfChange } from "./render-agents.js";

/** One line for each change, until Ctrl-C or until nobody reads. None of them is kept. */
export async function watchByLine(
  context: CommandContext,
  format: OutputFormat,
  wanted: AgentsWanted,
): Promise<void> {
  const { terminal, runtime } = context;
  const print = (change: AgentChange): void => {
    if (format === "yaml") terminal.out(`---\n${yamlText(change)}`);
    else if (!isForPeople(format)) terminal.out(jsonText(change));
    else {
      const line = lineOfChange(terminal, change, runtime.clock.wallTime());
      if (line !== undefined) terminal.out(line);
    }
  };
  await followAgents(context, wanted, {
    signal: AbortSignal.any([terminal.interrupted, terminal.readerGone]),
    onChange(change) {
      if (change.change === "reset")
        terminal.err("hawser: what changed meanwhile is not known; all agents are told anew");
      print(change);
    },
    onInterrupted(reason, retryInMs) {
      const seconds = (retryInMs / 1000).toFixed(1);
      terminal.err(`hawser: the stream broke off (${reason}); resuming in ${seconds}s`);
    },
    onResumed: () => terminal.err("hawser: the stream goes on"),
  });
}
