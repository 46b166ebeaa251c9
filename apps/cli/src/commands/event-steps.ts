import { printableLine } from "@hawser/runtime";
import { z } from "zod";
import { EVENT_STEPS, eventStepSchema } from "../api/schemas.js";
import type { ServerSentEvent } from "../api/sse-parser.js";
import { jsonText } from "../output/json-text.js";
import type { OutputFormat } from "../output/output-format.js";
import { paintState, type Style } from "../output/style.js";
import { yamlText } from "../output/yaml-text.js";
import type { Terminal } from "../terminal.js";

/** A step in the life of an event, as a line of `hawser events`. */
export const eventLineSchema = eventStepSchema.extend({
  step: z.enum(EVENT_STEPS),
  id: z.string().optional(),
});
export type EventLine = z.infer<typeof eventLineSchema>;

/** Prints steps as they come: a table with its titles first, or a document a step. */
export class StepPrinter {
  readonly #terminal: Terminal;
  readonly #output: OutputFormat;
  #isTitled = false;

  constructor(terminal: Terminal, output: OutputFormat) {
    this.#terminal = terminal;
    this.#output = output;
  }

  print(line: EventLine): void {
    const terminal = this.#terminal;
    if (this.#output === "yaml") terminal.out(`---\n${yamlText(line)}`);
    else if (this.#output === "table" || this.#output === "wide") {
      if (!this.#isTitled) terminal.out(terminal.style.bold(TITLES));
      this.#isTitled = true;
      const isShort = this.#output === "table" && terminal.outIsTerminal;
      terminal.out(lineOf(isShort ? withShortUid(line) : line, terminal.style));
    } else terminal.out(jsonText(line));
  }
}

/** The step that a message of the stream is; undefined for what else it says. */
export function parseStep({ event, data, id }: ServerSentEvent): EventLine | undefined {
  const step = EVENT_STEPS.find((known) => known === event);
  if (step === undefined) return undefined;
  const parsed = eventStepSchema.safeParse(parseJson(data));
  return parsed.success ? { step, ...(id === undefined ? {} : { id }), ...parsed.data } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As wide as `lineOf` makes the cells. */
const TITLES = `${"TIME".padEnd(12)}  ${"AGENT".padEnd(12)}  ${"STEP".padEnd(11)}  ${"EVENT".padEnd(28)}  DETAILS`;

/** Whoever looks at lines wants to tell resources apart; `wide` has all of it. */
function withShortUid(line: EventLine): EventLine {
  const resourceid = line.resourceid.replace(
    /(_[0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "$1",
  );
  return { ...line, resourceid };
}

function lineOf(line: EventLine, style: Style): string {
  const time = line.at.slice(11, 23).padEnd(12);
  const more = [
    line.type,
    line.attempt === undefined || line.attempt <= 1 ? undefined : `attempt ${line.attempt}`,
    line.latencyMs === undefined ? undefined : `${line.latencyMs.toFixed(1)}ms`,
    line.code,
    line.message,
  ].filter((part) => part !== undefined);
  const step = paintState(style, line.step) + " ".repeat(Math.max(0, 11 - line.step.length));
  const event = `${printableLine(line.resourceid)} v${line.eventid}`;
  return `${style.dim(time)}  ${printableLine(line.agent).padEnd(12)}  ${step}  ${event.padEnd(28)}  ${printableLine(more.join("  "))}`.trimEnd();
}
