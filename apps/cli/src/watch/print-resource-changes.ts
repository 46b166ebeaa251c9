import { printableLine } from "@hawser/runtime";
import type { CommandContext } from "../command/command-context.js";
import { resourceColumns } from "../output/columns.js";
import { jsonText } from "../output/json-text.js";
import { LineTable } from "../output/line-table.js";
import { isForPeople, type OutputFormat } from "../output/output-format.js";
import { yamlText } from "../output/yaml-text.js";
import { watchResources, type ResourcesWanted } from "./watch-resources.js";
import type { ResourceChange } from "./resource-change.js";

/** A line for each resource, and one for each change, until Ctrl-C. */
export async function printResourceChanges(
  context: CommandContext,
  format: OutputFormat,
  wanted: ResourcesWanted,
): Promise<void> {
  const { terminal } = context;
  await watchResources(context, wanted, {
    onChanges: isForPeople(format)
      ? peoplesLines(context, format)
      : (changes) => {
          for (const change of changes)
            terminal.out(format === "yaml" ? `---\n${yamlText(change)}` : jsonText(change));
        },
    onInterrupted: (reason, retryInMs) =>
      terminal.err(`hawser: the stream broke off (${reason}); resuming in ${(retryInMs / 1000).toFixed(1)}s`),
    onResumed: () => terminal.err("hawser: the stream goes on"),
  });
}

/** What people see of a change is a line that differs from the last one of its resource. */
function peoplesLines(
  { terminal, runtime }: CommandContext,
  format: "table" | "wide",
): (changes: readonly ResourceChange[]) => void {
  const columns = (): ReturnType<typeof resourceColumns> =>
    resourceColumns(runtime.clock.wallTime()).filter(({ wide }) => format === "wide" || wide !== true);
  const table = new LineTable(
    terminal,
    columns().map(({ title }) => title),
  );
  const last = new Map<string, string>();
  const rowOf = (change: Exclude<ResourceChange, { change: "synced" }>): readonly string[] =>
    columns().map(({ title, cell, paint }) => {
      if (change.change === "gone") return printableLine(goneCell(change, title));
      const text = printableLine(cell(change.resource));
      return paint === undefined ? text : paint(text, terminal);
    });
  return (changes) => {
    const rows: (readonly string[])[] = [];
    for (const change of changes) {
      if (change.change === "synced") continue;
      const { agent, kind, name } = change.change === "gone" ? change : change.resource;
      const key = `${agent}/${kind}/${name}`;
      const row = rowOf(change);
      const line = row.join(" ");
      if (last.get(key) === line) continue;
      if (change.change === "gone") last.delete(key);
      else last.set(key, line);
      rows.push(row);
    }
    table.print(rows);
  };
}

function goneCell({ agent, kind, name }: Extract<ResourceChange, { change: "gone" }>, title: string): string {
  const cells: Readonly<Record<string, string>> = { AGENT: agent, KIND: kind, NAME: name, STATE: "gone" };
  return cells[title] ?? "-";
}
