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
import { Latest, systemRuntime, traced, withinLimits, type CallLimits } from "@hawser/runtime";
import type { Appended, MailboxStats, Store } from "@hawser/store";
import { countRefusals } from "./count-refusals.js";
import { Gate, type ReadinessCondition } from "./listener/gate.js";
import { createListener } from "./listener/listener.js";
import type { BoundAddress } from "./listener/listener-options.js";
import type {
  Accepted,
  DrainOptions,
  DrainReport,
  Page,
  Principal,
  PrincipalOptions,
  PrincipalStatus,
} from "./principal.js";
import { ObserverSet } from "./observer-set.js";
import { createResources } from "./resources/resources.js";
import { agentView } from "./sessions/agent-view.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { deadLetterView } from "./dead-letter-view.js";
import { checkAddressee, SELF_AGENT, selfLogin } from "./self-login.js";
import { draining, publishing } from "./tracing.js";
import { VERSION } from "./version.js";
import type { AgentView, DeadLetterView } from "./views.js";

/** Sessions one process keeps when nothing else is said: far above what two cores serve well, below what their memory holds. */
export const DEFAULT_MAX_SESSIONS = 20_000;
/** How long `stop` gives the fleet to go: short, because whoever stops a process has a deadline of their own. */
export const DEFAULT_STOP_WINDOW_MS = 5_000;
/** The control plane's own peers are few, and are not to wait for anybody: only their number is bounded. */
const UNLIMITED = { ratePerSecond: 100_000, burst: 100_000, rampMs: 0 } as const;
/** Without a port of its own to log in by, a principal has nothing to wait for. */
const AT_ONCE = { settleMs: 0 } as const;
/** When a refused agent comes back where no listener of this principal knows better. */
const DEFAULT_SLOT_MS = 5_000;

/** The control plane's end as a library. @throws HawserError `invalid_config` for options that make no sense */
export function createPrincipal(options: PrincipalOptions): Principal {
  const runtime = options.runtime ?? systemRuntime();
  const { store, acceptors } = options;
  const observers = new ObserverSet(options.observer);
  const { observer } = observers;
  const source = options.source ?? "hawser/principal";
  const listener =
    options.listen === undefined ? undefined : createListener(options.listen, { runtime, acceptors });
  const internal =
    options.internal === undefined
      ? undefined
      : createListener(
          { ...options.internal.listen, admission: UNLIMITED },
          { runtime, acceptors, internal: true },
        );
  const status = new Latest<PrincipalStatus>({ kind: "stopped" });
  let gate = newGate([]);
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
    settled: ({ peer }) => listener?.settled(peer.address) ?? internal?.settled(peer.address),
    slot: () => listener?.slot() ?? DEFAULT_SLOT_MS,
  });
  let stopping: Promise<void> | undefined;

  async function start(): ReturnType<Principal["start"]> {
    if (status.value.kind !== "stopped")
      throw new HawserError("internal", "this principal has been started already");
    status.set({ kind: "starting", gate: gate.state });
    stopping = undefined;
    sessions.reopen();
    try {
      for (const acceptor of acceptors) await acceptor.start((connection) => sessions.accept(connection));
      const internalAddress = await internal?.start();
      assertWanted();
      gate = newGate(ownConditions(internalAddress));
      await gate.open();
      assertWanted();
      const address = await listener?.start();
      status.set({ kind: "open", address, internalAddress });
      return { address, internalAddress };
    } catch (thrown) {
      gate.close();
      await internal?.stop();
      for (const acceptor of acceptors) await acceptor.stop();
      status.set({ kind: "stopped" });
      throw thrown;
    }
  }

  function newGate(own: readonly ReadinessCondition[]): Gate {
    const settings = options.gate ?? (internal === undefined ? AT_ONCE : {});
    return new Gate(runtime, own, {
      ...settings,
      onState: (state) => {
        if (status.value.kind === "starting") status.set({ kind: "starting", gate: state });
        options.gate?.onState?.(state);
      },
    });
  }

  function assertWanted(): void {
    if (stopping !== undefined)
      throw new HawserError("aborted", "the principal was stopped while it started");
  }

  function ownConditions(internalAddress: BoundAddress | undefined): readonly ReadinessCondition[] {
    if (internalAddress === undefined) return [];
    const dialer = options.internal?.selfLogin?.(internalAddress);
    const answers: ReadinessCondition = {
      name: "store",
      check: async () => {
        await store.peers({ limit: 1 });
        return true;
      },
    };
    if (dialer === undefined) return [answers];
    let through = false;
    const loggedIn: ReadinessCondition = {
      name: "self-login",
      check: async (signal) => {
        if (!through) await selfLogin(dialer, runtime, signal);
        through = true;
        return true;
      },
    };
    return [answers, loggedIn];
  }

  async function drain(order: DrainOptions): Promise<DrainReport> {
    const { shape = "restart", reason } = order;
    return traced(
      draining,
      () => ({ shape, reason }),
      () => {
        const report = sessions.drain(order);
        if (status.value.kind !== "draining") status.set({ kind: "draining", shape, reason });
        return report;
      },
    );
  }

  async function shutDown(): Promise<void> {
    const { kind } = status.value;
    if (kind === "stopped") return;
    gate.close();
    // The port stays open meanwhile: whoever comes now is told when to come back.
    if (kind !== "starting")
      await drain({ reason: "the principal stops", windowMs: DEFAULT_STOP_WINDOW_MS, ...options.stop });
    await listener?.stop();
    await internal?.stop();
    for (const acceptor of acceptors) await acceptor.stop();
    status.set({ kind: "stopped" });
  }

  function limited<T>(limits: CallLimits, agent: string, work: () => Promise<T>): Promise<T> {
    return withinLimits(
      limits,
      runtime.timers,
      (code, message, cause) => new HawserError(code, message, { agent, cause }),
      work,
    );
  }

  // Thousands may wait for the disk here: a suspended function for each would take more than all the rest of it (bench/README.md).
  function publish(agent: string, event: EventDraft, idempotencyKey: string | undefined): Promise<Accepted> {
    try {
      const draft = countRefusals(observer, agent, () => checkPublication(agent, event));
      const append =
        idempotencyKey === undefined
          ? { peer: agent, event: draft }
          : { peer: agent, event: draft, idempotencyKey };
      return store.append([append]).then(([appended]) => accepted(agent, draft, appended));
    } catch (refused) {
      return Promise.reject(HawserError.from(refused));
    }
  }

  async function agents(page: Page): Promise<readonly AgentView[]> {
    const stored = await storedAgents(store, page);
    const rows = new Map<string, MailboxStats | undefined>(stored.map((stats) => [stats.peer, stats]));
    // An agent whose mailbox could not be listed yet is known by its session alone.
    const last = stored.length === page.limit ? stored.at(-1)?.peer : undefined;
    for (const name of sessions.names()) {
      if (
        rows.has(name) ||
        name === SELF_AGENT ||
        (page.after !== undefined && name <= page.after) ||
        (last !== undefined && name > last)
      )
        continue;
      rows.set(name, undefined);
    }
    const names = [...rows.keys()].sort().slice(0, page.limit);
    return names.map((name) => agentView(name, rows.get(name), sessions.presence(name), runtime.clock));
  }

  async function agentNamed(name: string): Promise<AgentView | undefined> {
    checkAgentName(name);
    const stats = await store.stats(name);
    const presence = sessions.presence(name);
    if (stats === undefined && presence === undefined) return undefined;
    return agentView(name, stats, presence, runtime.clock);
  }

  async function deadLetters(agent: string, { after, limit }: Page): Promise<readonly DeadLetterView[]> {
    checkAgentName(agent);
    const from = after === undefined ? {} : { after: parseVersion(after) };
    const letters = await store.deadLetters(agent, { ...from, limit });
    return letters.map((letter) => deadLetterView(agent, letter));
  }

  async function requeue(agent: string, eventid: string): Promise<Accepted> {
    checkAgentName(agent);
    const version = parseVersion(eventid);
    const [letter] = await store.deadLetters(agent, { after: version - 1, limit: 1 });
    const appended = await store.requeue(agent, version);
    return accepted(agent, letter?.event, appended);
  }

  async function discard(agent: string, eventid: string): Promise<void> {
    checkAgentName(agent);
    const about = { agent, event_id: eventid };
    if (!(await store.discard(agent, parseVersion(eventid)))) {
      throw new HawserError("not_found", `agent ${agent} has no dead letter ${eventid}`, about);
    }
    runtime.logger.info(about, "dead letter discarded");
    observer.discarded?.(agent, eventid);
    await sessions.releaseSeries(agent);
  }

  const stop = (): Promise<void> => (stopping ??= shutDown());

  function accepted(agent: string, event: EventDraft | undefined, appended: Appended | undefined): Accepted {
    if (appended === undefined) throw new HawserError("internal", "the store gave no answer to an append");
    if (!appended.ok) {
      observer.rejected?.(agent, appended.error.code);
      throw appended.error;
    }
    const { resourceid = "", type = "" } = event ?? {};
    const eventid = formatVersion(appended.version);
    if (!appended.duplicate) observer.accepted?.(agent, { resourceid, eventid, type });
    return { eventid, resourceid, duplicate: appended.duplicate };
  }

  return {
    start,
    stop,
    [Symbol.asyncDispose]: stop,
    drain,
    get draining() {
      return sessions.progress;
    },
    listener,
    get gate() {
      return gate.state;
    },
    get state() {
      return status.value.kind;
    },
    observe: (added) => observers.add(added),
    status: ({ signal } = {}) => status.follow(signal, ({ kind }) => kind === "stopped"),
    resources: createResources({ runtime, store, source, observer, limited }),
    publish(agent, event, options = {}) {
      const { idempotencyKey } = options;
      const work = (): Promise<Accepted> => publish(agent, event, idempotencyKey);
      return limited(options, agent, () => traced(publishing, () => ({ agent, event }), work));
    },
    agents: (page) => limited(page, "", () => agents(page)),
    agent: (name, limits = {}) => limited(limits, name, () => agentNamed(name)),
    deadLetters: (agent, page) => limited(page, agent, () => deadLetters(agent, page)),
    requeue: (agent, eventid, limits = {}) => limited(limits, agent, () => requeue(agent, eventid)),
    discardDeadLetter: (agent, eventid, limits = {}) => limited(limits, agent, () => discard(agent, eventid)),
  };
}

/** The principal itself is no agent: another one takes its place. */
async function storedAgents(store: Store, { after, limit }: Page): Promise<readonly MailboxStats[]> {
  const all = await store.peers(after === undefined ? { limit } : { after, limit });
  const agents = all.filter(({ peer }) => peer !== SELF_AGENT);
  const last = all.at(-1);
  if (agents.length === all.length || all.length < limit || last === undefined) return agents;
  return [...agents, ...(await store.peers({ after: last.peer, limit: 1 }))];
}

// Resources have their own way in, which keeps their uid and their versions right.
function checkPublication(agent: string, event: EventDraft): EventDraft {
  checkAddressee(agent);
  const draft = checkDraft(event);
  if (!draft.type.startsWith(RESERVED_TYPE_PREFIX)) return draft;
  throw new HawserError(
    "invalid_event",
    `${draft.type} is reserved; change a resource with resources.put or resources.delete`,
    { agent, resource_id: draft.resourceid },
  );
}
