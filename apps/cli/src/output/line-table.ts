import type { Terminal } from "../terminal.js";
import { visibleLength } from "./style.js";

/** A table that goes on: titles first, then rows as they come, as wide as the widest of the first ones. */
export class LineTable {
  readonly #terminal: Terminal;
  readonly #titles: readonly string[];
  #widths: readonly number[] | undefined;

  constructor(terminal: Terminal, titles: readonly string[]) {
    this.#terminal = terminal;
    this.#titles = titles;
  }

  /** Prints rows, in one piece. None is nothing. */
  print(rows: readonly (readonly string[])[]): void {
    if (rows.length === 0) return;
    const lines = [...rows];
    if (this.#widths === undefined) {
      lines.unshift(this.#titles.map(this.#terminal.style.bold));
      this.#widths = this.#titles.map((_title, column) =>
        lines.reduce((width, row) => Math.max(width, visibleLength(row[column] ?? "")), 0),
      );
    }
    const widths = this.#widths;
    const text = lines.map((row) =>
      row
        .map((cell, n) => cell + " ".repeat(Math.max(0, (widths[n] ?? 0) - visibleLength(cell))))
        .join("  ")
        .trimEnd(),
    );
    this.#terminal.out(text.join("\n"));
  }
}
