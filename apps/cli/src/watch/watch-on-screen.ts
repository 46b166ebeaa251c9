import type { CommandContext } from "../command/command-context.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { KEYS_HELP, ListState, positionText, type ListOrder } from "../output/list-keys.js";
import { LiveScreen } from "../output/live-screen.js";
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
  const { terminal, runtime } = context;
  const { clock, timers } = runtime;
  const { url } = context.connect().server;
  const agents = new WatchedAgents();
  const over = new AbortController();
  let note = "reading all agents";
  let dirty = true;
  let tooMany = false;
  const say = (text: string): void => {
    dirty = true;
    note = text;
  };

  function take(change: AgentChange): void {
    dirty = true;
    if (change.change === "agent") tooMany ||= !agents.put(change.agent, clock.now());
    else if (change.change === "gone") agents.remove(change.name);
    else if (change.change === "synced")
      say(terminal.style.dim(terminal.inIsTerminal ? "q ends, ? shows the keys" : "Ctrl-C ends"));
    else {
      agents.clear();
      say("what changed meanwhile is not known: reading all agents anew");
    }
    if (tooMany) over.abort();
  }

  const list = new ListState(order);
  const room = (): number => Math.max(1, terminal.rows - FRAME_LINES);
  const screen = new LiveScreen(terminal, (key) => {
    dirty = true;
    list.press(key, agents.size, room());
  });
  const ended = AbortSignal.any([screen.ended, over.signal]);
  function lines(): readonly string[] {
    const offset = list.offset(agents.size, room());
    const view = agents.view(list.order, offset, room(), clock.now());
    const position = positionText(list.order, offset, view.shown.length, view.known);
    return renderAgents(terminal, format, { server: url, at: clock.wallTime(), view, position, note });
  }
  async function draw(): Promise<void> {
    for (let frame = 0; !ended.aborted; frame += 1) {
      if (dirty || frame % FRAMES_PER_CLOCK === 0) {
        dirty = false;
        screen.draw(list.showsKeys ? KEYS_HELP : lines());
      }
      await screen.pause(timers, over.signal.aborted ? 0 : FRAME_MS);
    }
  }
  const following = followAgents(context, wanted, {
    signal: ended,
    onChange: take,
    onInterrupted: (reason) =>
      say(
        terminal.style.bad(
          `the stream broke off at ${timeOf(clock.wallTime())}Z (${reason}): what is shown is old`,
        ),
      ),
    onResumed: () => say("the stream is back: reading what changed"),
  });
  try {
    await Promise.all([following.finally(() => over.abort()), draw()]);
  } finally {
    screen.leave();
  }
  if (!tooMany) return;
  throw new CommandError(
    EXIT_CODES.failed,
    `there are more than ${DEFAULT_MAX_WATCHED_AGENTS} agents; narrow them down with --name or --state, or read them with --output jsonl`,
  );
}
