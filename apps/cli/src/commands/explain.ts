import { Argument, Command } from "commander";
import { ERROR_CODES, isErrorCode } from "@hawser/protocol";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { usageError } from "../exit-codes.js";
import { EXPLANATIONS } from "../explain/explanations.js";
import { isForPeople } from "../output/output-format.js";
import { printList, printObject } from "../output/print.js";

export function explainCommand(context: CommandContext): Command {
  const command = new Command("explain")
    .description("say what an error code means and what to do; works without a principal")
    .addArgument(new Argument("[code]", "without one: all of them").argParser(String))
    .action((code: string | undefined) => explain(context, code));
  return withExamples(command, "hawser explain mailbox_full", "hawser explain");
}

function explain({ terminal, globals }: CommandContext, code: string | undefined): void {
  const { output } = globals();
  if (code === undefined) {
    const all = ERROR_CODES.map((each) => ({ code: each, ...EXPLANATIONS[each] }));
    printList(
      terminal,
      output,
      all,
      [
        { title: "CODE", cell: (line) => line.code },
        { title: "WHAT HAPPENED", cell: ({ happened }) => happened },
      ],
      "",
    );
    return;
  }
  const name = code.replace("urn:hawser:error:", "").toLowerCase();
  if (!isErrorCode(name))
    throw usageError(`there is no code '${code}'${suggestion(name)}; 'hawser explain' lists all`);
  const explanation = EXPLANATIONS[name];
  if (!isForPeople(output)) printObject(terminal, output, { code: name, ...explanation });
  else
    terminal.out(
      `${terminal.style.bold(name)}\n${explanation.happened}\n\n${terminal.style.bold("What to do")}\n${explanation.todo}`,
    );
}

function suggestion(name: string): string {
  const near = ERROR_CODES.filter(
    (code) =>
      name.length >= 3 && (code.includes(name) || code.split("_").some((word) => name.includes(word))),
  );
  return near.length === 0 ? "" : `; did you mean ${near.slice(0, 3).join(", ")}?`;
}
