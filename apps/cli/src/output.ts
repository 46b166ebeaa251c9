import { stringify } from "yaml";
import { formatTable } from "./table.js";
import type { Terminal } from "./terminal.js";

/** `table` for people; the others for programs, where a change of shape is a breaking change. */
export const OUTPUT_FORMATS = ["table", "json", "jsonl", "yaml"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
}

/** Prints a list. An empty one is not an error: programs get an empty list, people a sentence. */
export function printList<Row>(
  terminal: Terminal,
  format: OutputFormat,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  whenEmpty: string,
): void {
  switch (format) {
    case "json":
      terminal.out(JSON.stringify(rows, undefined, 2));
      return;
    case "jsonl":
      for (const row of rows) terminal.out(JSON.stringify(row));
      return;
    case "yaml":
      terminal.out(stringify(rows).trimEnd());
      return;
    case "table":
      if (rows.length === 0) terminal.err(whenEmpty);
      else
        terminal.out(
          formatTable(
            columns.map(({ title }) => title),
            rows.map((row) => columns.map((column) => column.cell(row))),
          ),
        );
      return;
  }
}

/** Prints one thing: as a one-row table, or alone for programs. */
export function printOne<Row>(
  terminal: Terminal,
  format: OutputFormat,
  row: Row,
  columns: readonly Column<Row>[],
): void {
  if (format === "json") terminal.out(JSON.stringify(row, undefined, 2));
  else if (format === "yaml") terminal.out(stringify(row).trimEnd());
  else printList(terminal, format, [row], columns, "");
}
