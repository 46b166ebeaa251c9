import type { HeldBackTurn, SenderTurn } from "@hawser/link";
import { formatSettled, parseResourceId } from "@hawser/protocol";
import type { Clock, Runtime } from "@hawser/runtime";
import type { MailboxStats, RetainedState, Store } from "@hawser/store";
import { reasonOf } from "../sessions/agent-view.js";
import type { SessionRegistry } from "../sessions/session-registry.js";
import type { EventAhead, RefusedView, WaitReason, WaitView } from "../views.js";

/** Of an agent that is here. */
type ReasonHere = Extract<WaitReason, EventAhead>;
type OwnTurn = Exclude<SenderTurn, HeldBackTurn>;

/** What tells why an event waits. */
export interface WaitSources {
  readonly runtime: Pick<Runtime, "clock">;
  readonly store: Pick<Store, "stats">;
  readonly sessions: Pick<SessionRegistry, "presence">;
}

/** Why these states of one agent are not acknowledged; undefined for those that are. Reads the store where the agent is away, once. */
export async function waitViews(
  agent: string,
  states: readonly RetainedState[],
  { runtime, store, sessions }: WaitSources,
): Promise<readonly (WaitView | undefined)[]> {
  if (!states.some(({ pending }) => pending)) return states.map(() => undefined);
  const presence = sessions.presence(agent);
  const live = presence?.live;
  if (live !== undefined) {
    const { link } = live;
    return states.map(({ pending, version, event: { resourceid } }) =>
      pending ? toldHere(agent, version, link.turnOf(resourceid), runtime.clock) : undefined,
    );
  }
  const stats = await store.stats(agent);
  const away: WaitView = told(agent, awayReason(stats, presence?.lastSeenAt), reasonOf(stats, presence));
  return states.map(({ pending }) => (pending ? away : undefined));
}

function awayReason(stats: MailboxStats | undefined, since: number | undefined): WaitReason {
  if (since === undefined && stats?.everOpened !== true) return { reason: "never_connected" };
  return { reason: "disconnected", since };
}

function toldHere(
  agent: string,
  newest: number,
  turn: SenderTurn | undefined,
  clock: Clock,
): ReasonHere & { readonly message: string } {
  if (turn?.kind !== "heldBack") return told(agent, turnReason(newest, turn, clock));
  const { uid } = parseResourceId(turn.resourceid);
  const behind = formatSettled(turn.version);
  const { message, ...why } = toldHere(agent, turn.version, turn.turn, clock);
  const ahead = `behind the delete of the old one (uid ${uid}, version ${behind}), which is ${message}`;
  return { ...why, message: ahead, behind, oldUid: uid };
}

function turnReason(newest: number, turn: OwnTurn | undefined, clock: Clock): ReasonHere {
  const wall = (atMs: number): number => clock.wallTime() + atMs - clock.now();
  const ahead = { behind: behindOf(turn, newest), oldUid: undefined };
  switch (turn?.kind) {
    case "unanswered": {
      const { attempts, firstSentAtMs, nextTryAtMs, refused } = turn;
      const [since, nextTryAt] = [wall(firstSentAtMs), wall(nextTryAtMs)];
      return { reason: "unanswered", attempts, since, nextTryAt, refused, ...ahead };
    }
    case "refused":
      return { reason: "nacked", nextTryAt: wall(turn.nextTryAtMs), refused: turn.refused, ...ahead };
    case "ready":
      return { reason: turn.hasRoom ? "queued" : "window_full", ...ahead };
    case "givenUp":
    case "unread":
    case undefined:
      return { reason: "queued", ...ahead };
  }
}

function behindOf(turn: OwnTurn | undefined, newest: number): string | undefined {
  if (turn === undefined || turn.kind === "unread" || turn.version >= newest) return undefined;
  return formatSettled(turn.version);
}

/** @param away why the agent is not here */
function told<Why extends WaitReason>(
  agent: string,
  why: Why,
  away = "",
): Why & { readonly message: string } {
  return { ...why, message: `${aheadOf(why)}${sentence(agent, why, away)}` };
}

function sentence(agent: string, why: WaitReason, away: string): string {
  switch (why.reason) {
    case "never_connected":
      return `${agent} has never connected`;
    case "disconnected":
      return `${agent} is not connected: it ${away}`;
    case "unanswered": {
      const sent = why.attempts === 1 ? "sent" : `sent ${why.attempts} times`;
      const before = why.refused === undefined ? "" : `; ${refusedText(why.refused)} before`;
      return `${sent} and not answered: ${agent} may still be applying it${before}`;
    }
    case "nacked":
      return refusedText(why.refused);
    case "window_full":
      return `${agent} has yet to answer for as much as it accepts at once`;
    case "queued":
      return `on its way to ${agent}`;
  }
}

function aheadOf(why: WaitReason): string {
  const behind = "behind" in why ? why.behind : undefined;
  return behind === undefined ? "" : `behind version ${behind}, which is `;
}

function refusedText({ times, code, message }: RefusedView): string {
  return `refused ${times === 1 ? "once" : `${times} times`} (${code}: ${message})`;
}
