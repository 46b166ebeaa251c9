import { printableLine } from "@hawser/runtime";
import { z } from "zod";
import type { Terminal } from "../terminal.js";
import { jsonText } from "./json-text.js";
import { isForPeople, type OutputFormat } from "./output-format.js";
import { yamlText } from "./yaml-text.js";

/** A line of `hawser logs` for programs, or what is missing between two of them. */
export const logLineSchema = z.union([
  z.object({
    text: z.string(),
    /** Counted from 1 since the agent took the Task up. Absent: it is not known, because it comes from the last status. */
    line: z.int().optional(),
    /** 0: the first run of the Task; as `restarts` in its status. Absent: it is not known. */
    run: z.int().optional(),
  }),
  z.object({
    leftOut: z.object({ lines: z.int().optional(), bytes: z.int().optional(), message: z.string() }),
  }),
]);
type LogLine = z.infer<typeof logLineSchema>;

/** Some lines as they come. */
export interface Lines {
  readonly lines: readonly string[];
  /** Lines before the first. */
  readonly line?: number;
  readonly starts?: readonly { readonly line: number; readonly run: number }[];
}

export interface LeftOut {
  readonly lines?: number | undefined;
  readonly bytes?: number | undefined;
  readonly message: string;
}

/** Prints output line by line: for people as it is, with all else on standard error; for programs one document a line. */
export class OutputPrinter {
  readonly #terminal: Pick<Terminal, "out" | "err" | "errStyle">;
  readonly #format: OutputFormat;
  #run: number | undefined;

  constructor(terminal: Pick<Terminal, "out" | "err" | "errStyle">, format: OutputFormat) {
    this.#terminal = terminal;
    this.#format = format;
  }

  lines({ lines, line: before, starts = [] }: Lines): void {
    for (const [index, text] of lines.entries()) {
      const line = before === undefined ? undefined : before + index;
      const start = starts.find((each) => each.line === line);
      if (start !== undefined) this.#begin(start.run);
      if (isForPeople(this.#format)) this.#terminal.out(printableLine(text));
      else
        this.#document({
          text,
          ...(line === undefined ? {} : { line: line + 1 }),
          ...(this.#run === undefined ? {} : { run: this.#run }),
        });
    }
  }

  leftOut({ lines, bytes, message }: LeftOut): void {
    if (!isForPeople(this.#format)) {
      const counts = { ...(lines === undefined ? {} : { lines }), ...(bytes === undefined ? {} : { bytes }) };
      this.#document({ leftOut: { ...counts, message } });
      return;
    }
    const size = bytes === undefined ? "" : ` (${bytes} bytes)`;
    const what = lines === undefined ? "lines are missing here" : `${lines} lines${size} left out`;
    this.note(`... ${what}: ${message}`);
  }

  /** Something beside the output. */
  note(text: string): void {
    this.#terminal.err(this.#terminal.errStyle.dim(`hawser: ${printableLine(text)}`));
  }

  #begin(run: number): void {
    this.#run = run;
    if (run > 0 && isForPeople(this.#format)) this.note(`--- restart ${run} ---`);
  }

  #document(line: LogLine): void {
    this.#terminal.out(this.#format === "yaml" ? `---\n${yamlText(line)}` : jsonText(line));
  }
}
