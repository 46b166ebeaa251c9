import type { CommandContext } from "../command/command-context.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { KEYS_HELP, ListState, positionText, type ListOrder } from "../output/list-keys.js";
import { LiveScreen } from "../output/live-screen.js";
import type { Terminal } from "../terminal.js";
import type { AgentChange } from "./agent-change.js";
import { followAgents, type AgentsWanted } from "./follow-agents.js";
import { FRAME_LINES, renderAgents, timeOf } from "./render-agents.js";
import { DEFAULT_MAX_WATCHED_AGENTS, WatchedAgents } from "./watched-agents.js";

/** However much changes, the screen is drawn no more often. */
const FRAME_MS = 250;
/** Clocks and ages go on without a change. */
const FRAMES_PER_CLOCK = 4;

/**
 * Agents and what becomes of them as a screen that is drawn over, until q or Ctrl-C.
 *
 * @throws CommandError (failed) above `DEFAULT_MAX_WATCHED_AGENTS`
 */
export async function watchOnScreen(
  context: CommandContext,
  format: "table" | "wide",
  wanted: AgentsWanted,
  order: ListOrder,
): Promise<void> {
  const view = new AgentsScreen(context, format, order);
  const following = followAgents(context, wanted, {
    signal: view.ended,
    onChange: (change) => view.take(change),
    onInterrupted: (reason) => view.interrupted(reason),
    onResumed: () => view.say("the stream is back: reading what changed"),
  });
  try {
    await Promise.all([following.finally(() => view.end()), view.draw()]);
  } finally {
    view.leave();
  }
  if (!view.hasTooMany) return;
  throw new CommandError(
    EXIT_CODES.failed,
    `there are more than ${DEFAULT_MAX_WATCHED_AGENTS} agents; narrow them down with --name or --state, or read them with --output jsonl`,
  );
}

/** The agents that are known, and the screen that shows them. */
class AgentsScreen {
  readonly ended: AbortSignal;
  readonly #terminal: Terminal;
  readonly #runtime: CommandContext["runtime"];
  readonly #format: "table" | "wide";
  readonly #server: string;
  readonly #agents = new WatchedAgents();
  readonly #list: ListState;
  readonly #screen: LiveScreen;
  readonly #over = new AbortController();
  #note = "reading all agents";
  #dirty = true;
  #hasTooMany = false;

  constructor(context: CommandContext, format: "table" | "wide", order: ListOrder) {
    this.#terminal = context.terminal;
    this.#runtime = context.runtime;
    this.#format = format;
    this.#server = context.connect().server.url;
    this.#list = new ListState(order);
    this.#screen = new LiveScreen(this.#terminal, (key) => {
      this.#dirty = true;
      this.#list.press(key, this.#agents.size, this.#room);
    });
    this.ended = AbortSignal.any([this.#screen.ended, this.#over.signal]);
  }

  /** More than can be watched; the screen has ended. */
  get hasTooMany(): boolean {
    return this.#hasTooMany;
  }

  take(change: AgentChange): void {
    this.#dirty = true;
    if (change.change === "agent")
      this.#hasTooMany ||= !this.#agents.put(change.agent, this.#runtime.clock.now());
    else if (change.change === "gone") this.#agents.remove(change.name);
    else if (change.change === "synced") {
      const { inIsTerminal, style } = this.#terminal;
      this.say(style.dim(inIsTerminal ? "q ends, ? shows the keys" : "Ctrl-C ends"));
    } else {
      this.#agents.clear();
      this.say("what changed meanwhile is not known: reading all agents anew");
    }
    if (this.#hasTooMany) this.end();
  }

  say(text: string): void {
    this.#dirty = true;
    this.#note = text;
  }

  interrupted(reason: string): void {
    const at = timeOf(this.#runtime.clock.wallTime());
    this.say(this.#terminal.style.bad(`the stream broke off at ${at}Z (${reason}): what is shown is old`));
  }

  end(): void {
    this.#over.abort();
  }

  /** Draws until it has ended. */
  async draw(): Promise<void> {
    for (let frame = 0; !this.ended.aborted; frame += 1) {
      if (this.#dirty || frame % FRAMES_PER_CLOCK === 0) {
        this.#dirty = false;
        this.#screen.draw(this.#list.showsKeys ? KEYS_HELP : this.#lines());
      }
      await this.#screen.pause(this.#runtime.timers, this.#over.signal.aborted ? 0 : FRAME_MS);
    }
  }

  /** Gives the screen back. */
  leave(): void {
    this.#screen.leave();
  }

  /** Lines for agents. */
  get #room(): number {
    return Math.max(1, this.#terminal.rows - FRAME_LINES);
  }

  #lines(): readonly string[] {
    const { order } = this.#list;
    const { clock } = this.#runtime;
    const offset = this.#list.offset(this.#agents.size, this.#room);
    const view = this.#agents.view(order, offset, this.#room, clock.now());
    const position = positionText(order, offset, view.shown.length, view.known);
    const at = clock.wallTime();
    return renderAgents(this.#terminal, this.#format, {
      server: this.#server,
      at,
      view,
      position,
      note: this.#note,
    });
  }
}
