import { printableLine } from "@hawser/runtime";
import type { Agent } from "../api/schemas.js";
import { agentColumns } from "../output/columns.js";
import { tableOf } from "../output/print.js";
import { paintState } from "../output/style.js";
import type { Terminal } from "../terminal.js";
import type { AgentChange } from "./agent-change.js";
import type { WatchedView } from "./watched-agents.js";

/** Lines beside the agents: where and when, what is summed up, a line of space, the titles, which part it is, and the note. */
export const FRAME_LINES = 6;

export interface AgentsScreen {
  readonly server: string;
  readonly at: number;
  readonly view: WatchedView;
  /** Which part of the list it is. */
  readonly position: string;
  /** What there is to say about the stream itself. */
  readonly note: string;
}

/** One screen. */
export function renderAgents(
  terminal: Terminal,
  format: "table" | "wide",
  { server, at, view, position, note }: AgentsScreen,
): readonly string[] {
  const { style } = terminal;
  const { shown, known, connected, pending, deadLetters } = view;
  return [
    `${style.bold("hawser agents")}  ${timeOf(at)}Z  ${server}`,
    `agents ${connected}/${known} connected   pending ${pending}   dead letters ${deadLetters}`,
    "",
    ...tableOf(terminal, format, shown, agentColumns(at)).split("\n"),
    style.dim(position),
    note,
  ];
}

/** One change as a line, where there is no screen to draw on; undefined for those that tell of no agent. */
export function lineOfChange(terminal: Terminal, change: AgentChange, at: number): string | undefined {
  if (change.change === "synced" || change.change === "reset") return undefined;
  const [name, state, more] =
    change.change === "gone"
      ? [change.name, "gone", ""]
      : [change.agent.name, change.agent.state, detail(change.agent)];
  const { style } = terminal;
  const painted = paintState(style, printableLine(state)) + " ".repeat(Math.max(0, 12 - state.length));
  return `${style.dim(timeOf(at))}  ${printableLine(name).padEnd(12)}  ${painted}  ${printableLine(more)}`.trimEnd();
}

function detail({ session, pending, deadLetters, reason }: Agent): string {
  const transport = (session?.transport ?? "-").padEnd(8);
  return `${transport}  pending ${pending}  dead ${deadLetters}  ${reason}`;
}

/** In UTC. */
export function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(11, 19);
}
