import {
  checkAgentName,
  checkDraft,
  DEFAULT_WINDOW,
  formatVersion,
  HawserError,
  parseVersion,
  RESERVED_TYPE_PREFIX,
  type EventDraft,
} from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import type { Appended, MailboxStats } from "@hawser/store";
import { countRefusals } from "./count-refusals.js";
import { createListener } from "./listener/listener.js";
import type { Accepted, DrainOptions, DrainReport, Principal, PrincipalOptions } from "./principal.js";
import { createResources } from "./resources/resources.js";
import { agentView } from "./sessions/agent-view.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { deadLetterView } from "./dead-letter-view.js";
import { VERSION } from "./version.js";

/** Sessions one process keeps when nothing else is said: far above what two cores serve well, below what their memory holds. */
export const DEFAULT_MAX_SESSIONS = 20_000;
/** How long `stop` gives the fleet to go: short, because whoever stops a process has a deadline of their own. */
export const DEFAULT_STOP_WINDOW_MS = 5_000;
/** When a refused agent comes back where no listener of this principal knows better. */
const DEFAULT_SLOT_MS = 5_000;

/** The control plane's end as a library. @throws HawserError `invalid_config` for options that make no sense */
export function createPrincipal(options: PrincipalOptions): Principal {
  const runtime = options.runtime ?? systemRuntime();
  const { store, acceptors } = options;
  const observer = options.observer ?? {};
  const source = options.source ?? "hawser/principal";
  const listener =
    options.listen === undefined ? undefined : createListener(options.listen, { runtime, acceptors });
  const sessions = new SessionRegistry({
    runtime,
    store,
    source,
    software: `hawser-principal/${VERSION}`,
    window: options.window ?? DEFAULT_WINDOW,
    maxSessions: options.maxSessions ?? DEFAULT_MAX_SESSIONS,
    authenticate: options.authenticate ?? (() => ({ ok: true })),
    onEvent: options.onEvent,
    observer,
    timing: options.timing,
    resend: options.resend,
    settled: ({ peer }) => listener?.settled(peer.address),
    slot: () => listener?.slot() ?? DEFAULT_SLOT_MS,
  });
  let state: Principal["state"] = "stopped";
  let stopping: Promise<void> | undefined;

  async function start(): ReturnType<Principal["start"]> {
    if (state !== "stopped") throw new HawserError("internal", "this principal has been started already");
    state = "starting";
    stopping = undefined;
    sessions.reopen();
    try {
      for (const acceptor of acceptors) await acceptor.start((connection) => sessions.accept(connection));
      const address = await listener?.start();
      state = "open";
      return { address };
    } catch (thrown) {
      for (const acceptor of acceptors) await acceptor.stop();
      state = "stopped";
      throw thrown;
    }
  }

  async function drain(order: DrainOptions): Promise<DrainReport> {
    const draining = sessions.drain(order);
    state = "draining";
    return draining;
  }

  async function shutDown(): Promise<void> {
    if (state === "stopped") return;
    // The port stays open meanwhile: whoever comes now is told when to come back.
    if (state !== "starting")
      await drain({ reason: "the principal stops", windowMs: DEFAULT_STOP_WINDOW_MS, ...options.stop });
    await listener?.stop();
    for (const acceptor of acceptors) await acceptor.stop();
    state = "stopped";
  }

  function accepted(agent: string, resourceid: string, appended: Appended | undefined): Accepted {
    if (appended === undefined) throw new HawserError("internal", "the store gave no answer to an append");
    if (!appended.ok) {
      observer.rejected?.(agent, appended.error.code);
      throw appended.error;
    }
    if (!appended.duplicate) observer.accepted?.(agent, 1);
    return { eventid: formatVersion(appended.version), resourceid, duplicate: appended.duplicate };
  }

  return {
    start,
    stop: () => (stopping ??= shutDown()),
    drain,
    get draining() {
      return sessions.progress;
    },
    get state() {
      return state;
    },
    resources: createResources({ runtime, store, source, observer }),

    // Thousands may wait for the disk here: a suspended function for each would take more than all the rest of it (bench/README.md).
    publish(agent, event, { idempotencyKey } = {}) {
      try {
        const draft = countRefusals(observer, agent, () => checkPublication(agent, event));
        const append =
          idempotencyKey === undefined
            ? { peer: agent, event: draft }
            : { peer: agent, event: draft, idempotencyKey };
        return store.append([append]).then(([appended]) => accepted(agent, draft.resourceid, appended));
      } catch (refused) {
        return Promise.reject(HawserError.from(refused));
      }
    },

    async agents(page) {
      const stored = await store.peers(page);
      const rows = new Map<string, MailboxStats | undefined>(stored.map((stats) => [stats.peer, stats]));
      // An agent whose mailbox could not be listed yet is known by its session alone.
      const last = stored.length === page.limit ? stored.at(-1)?.peer : undefined;
      for (const name of sessions.names()) {
        if (
          rows.has(name) ||
          (page.after !== undefined && name <= page.after) ||
          (last !== undefined && name > last)
        )
          continue;
        rows.set(name, undefined);
      }
      const names = [...rows.keys()].sort().slice(0, page.limit);
      return names.map((name) => agentView(name, rows.get(name), sessions.presence(name), runtime.clock));
    },

    async agent(name) {
      checkAgentName(name);
      const stats = await store.stats(name);
      const presence = sessions.presence(name);
      if (stats === undefined && presence === undefined) return undefined;
      return agentView(name, stats, presence, runtime.clock);
    },

    async deadLetters(agent, { after, limit }) {
      checkAgentName(agent);
      const letters = await store.deadLetters(agent, {
        ...(after === undefined ? {} : { after: parseVersion(after) }),
        limit,
      });
      return letters.map((letter) => deadLetterView(agent, letter));
    },

    async requeue(agent, eventid) {
      checkAgentName(agent);
      const version = parseVersion(eventid);
      const [letter] = await store.deadLetters(agent, { after: version - 1, limit: 1 });
      const appended = await store.requeue(agent, version);
      return accepted(agent, letter?.event.resourceid ?? "", appended);
    },

    async discardDeadLetter(agent, eventid) {
      checkAgentName(agent);
      const about = { agent, event_id: eventid };
      if (!(await store.discard(agent, parseVersion(eventid)))) {
        throw new HawserError("not_found", `agent ${agent} has no dead letter ${eventid}`, about);
      }
      runtime.logger.info(about, "dead letter discarded");
      await sessions.releaseSeries(agent);
    },
  };
}

// Resources have their own way in, which keeps their uid and their versions right.
function checkPublication(agent: string, event: EventDraft): EventDraft {
  checkAgentName(agent);
  const draft = checkDraft(event);
  if (!draft.type.startsWith(RESERVED_TYPE_PREFIX)) return draft;
  throw new HawserError(
    "invalid_event",
    `${draft.type} is reserved; change a resource with resources.put or resources.delete`,
    { agent, resource_id: draft.resourceid },
  );
}
