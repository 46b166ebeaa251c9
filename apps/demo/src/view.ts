import { printable } from "@hawser/runtime";
import type { AgentState, Totals } from "./principal-api.js";

export interface Snapshot {
  readonly title: string;
  /** Undefined: the principal does not answer. */
  readonly agents: readonly AgentState[] | undefined;
  readonly versions: ReadonlyMap<string, string>;
  readonly totals: Totals;
}

/** Where the demo shows itself: a table that is drawn over on a terminal, a line per change elsewhere. */
export class View {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;
  #last = "";

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    // A terminal that was closed takes no more words; the services still have to be stopped.
    out.on("error", () => {});
  }

  /** A sentence that stays. */
  say(text: string): void {
    this.#erase();
    this.#out.write(`${printable(text)}\n`);
  }

  show(snapshot: Snapshot): void {
    if (this.#out.isTTY) this.#draw(table(snapshot));
    else this.#print(line(snapshot));
  }

  #draw(lines: readonly string[]): void {
    this.#erase();
    const width = this.#out.columns;
    this.#out.write(`${lines.map((text) => printable(text).slice(0, Math.max(20, width - 1))).join("\n")}\n`);
    this.#drawn = lines.length;
  }

  #print(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.#out.write(`${printable(text)}\n`);
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }
}

/** Transmissions beyond one per acknowledged event, those in flight apart: what the crash and lost answers cost. */
export function resentOf(totals: Totals, inFlight = 0): number {
  return Math.max(0, totals.sent - totals.acked - inFlight);
}

function table({ title, agents, versions, totals }: Snapshot): readonly string[] {
  const header = ["  AGENT", "TRANSPORT", "SESSION", "EPOCH", "VERSION", "IN FLIGHT", "PENDING"];
  const rows = (agents ?? []).map((agent) => [
    `  ${agent.name}`,
    agent.session?.transport ?? agent.state,
    agent.session === undefined ? "-" : `${(agent.session.ageMs / 1000).toFixed(1)}s`,
    agent.session === undefined ? "-" : String(agent.session.epoch),
    versions.get(agent.name) ?? "-",
    agent.session === undefined ? "-" : String(agent.session.inFlight),
    String(agent.pending),
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const lines = [header, ...rows].map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "),
  );
  const body = agents === undefined ? ["  the principal does not answer"] : lines;
  return [title, ...body, `  ${counted(totals)}`];
}

function line({ title, agents, totals }: Snapshot): string {
  if (agents === undefined) return `${title} | principal down`;
  const connected = agents.filter(({ state }) => state === "connected").length;
  const pending = agents.reduce((sum, agent) => sum + agent.pending, 0);
  return `${title} | agents ${connected}/${agents.length} connected | pending ${pending} | ${counted(totals)}`;
}

function counted({ accepted, sent, acked }: Totals): string {
  return `accepted ${accepted}  sent ${sent}  acked ${acked}`;
}
