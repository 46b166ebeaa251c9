import { printableLine } from "@hawser/runtime";
import type { Terminal } from "../terminal.js";
import { jsonText } from "./json-text.js";
import { isForPeople, type OutputFormat } from "./output-format.js";
import { formatTable } from "./table.js";
import { yamlText } from "./yaml-text.js";

export interface Column<Row> {
  readonly title: string;
  /** Shown by `--output wide` alone. */
  readonly wide?: true;
  cell(row: Row): string;
  /** Sets the cell off, on a terminal. */
  paint?(cell: string, terminal: Terminal): string;
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
      terminal.out(jsonText(rows, 2));
      return;
    case "jsonl":
      for (const row of rows) terminal.out(jsonText(row));
      return;
    case "yaml":
      terminal.out(yamlText(rows));
      return;
    case "table":
    case "wide":
      if (rows.length === 0) terminal.err(whenEmpty);
      else terminal.out(tableOf(terminal, format, rows, columns));
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
  if (isForPeople(format)) printList(terminal, format, [row], columns, "");
  else printObject(terminal, format, row);
}

/** One thing, for programs. */
export function printObject(
  terminal: Terminal,
  format: Exclude<OutputFormat, "table" | "wide">,
  value: unknown,
): void {
  if (format === "json") terminal.out(jsonText(value, 2));
  else if (format === "yaml") terminal.out(yamlText(value));
  else terminal.out(jsonText(value));
}

/** The table itself, without printing it. */
export function tableOf<Row>(
  terminal: Terminal,
  format: "table" | "wide",
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string {
  const shown = columns.filter(({ wide }) => format === "wide" || wide !== true);
  return formatTable(
    shown.map(({ title }) => terminal.style.bold(title)),
    rows.map((row) =>
      shown.map((column) => {
        const cell = printableLine(column.cell(row));
        return column.paint === undefined ? cell : column.paint(cell, terminal);
      }),
    ),
  );
}
