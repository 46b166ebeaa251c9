import { resolveResendTiming } from "@hawser/delivery";
import { DEFAULT_READ_AHEAD_BYTES, type Accepted, type PublishTrace } from "@hawser/link";
import { createInternalListener, createListener } from "@hawser/listener";
import {
  checkBytes,
  checkOptionNames,
  checkWindow,
  DEFAULT_WINDOW,
  DEFAULT_WINDOW_BYTES,
  HawserError,
  parseVersion,
  plainEvent,
  type OptionNames,
} from "@hawser/protocol";
import {
  type CallLimits,
  limitedLogger,
  systemRuntime,
  traced,
  warningLogger,
  withinLimits,
  withLogger,
} from "@hawser/runtime";
import { resolveSessionTiming } from "@hawser/session";
import { allOf, type Page } from "./all-of.js";
import { Mailboxes } from "./mailboxes.js";
import { countRefusals } from "./principal-observer.js";
import { ObserverSet } from "./observer-set.js";
import { PrincipalLife } from "./principal-life.js";
import type { Principal, PrincipalOptions } from "./principal.js";
import { purgePending } from "./purge-pending.js";
import { readmitAgent, removeAgent, removedAgents } from "./remove-agent.js";
import { createResources } from "./resources/changes.js";
import { screening } from "./screening.js";
import { AgentDirectory } from "./sessions/agent-directory.js";
import { resolveAgentRates } from "./sessions/agent-rates.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { publishing } from "./tracing.js";
import { VERSION } from "./version.js";
import type { DeadLetterView } from "./views.js";

/** Sessions one process keeps when nothing else is said: far above what two cores serve well, below what their memory holds. */
export const DEFAULT_MAX_SESSIONS = 20_000;
/** When a refused agent comes back where no listener of this principal knows better. */
const DEFAULT_SLOT_MS = 5_000;

const NAMES: OptionNames<PrincipalOptions> = {
  store: true,
  acceptors: true,
  listen: true,
  internal: true,
  gate: true,
  authenticate: true,
  screen: true,
  onEvent: true,
  observer: true,
  runtime: true,
  source: true,
  window: true,
  windowBytes: true,
  readAheadBytes: true,
  rates: true,
  maxSessions: true,
  stop: true,
  timing: true,
  resend: true,
};

/** The control plane's end as a library. @throws HawserError `invalid_config` for options that make no sense */
export function createPrincipal(options: PrincipalOptions): Principal {
  checkOptionNames("createPrincipal", options, NAMES);
  const parts = partsOf(options);
  const { observers, sessions, listener, internal } = parts;
  const life = new PrincipalLife({ ...parts, options, screen: screenOf(options, parts) });
  const stop = (): Promise<void> => life.stop();
  return {
    start: () => life.start(),
    stop,
    [Symbol.asyncDispose]: stop,
    drain: (order) => life.drain(order),
    undrain: () => life.undrain(),
    handleUpgrade(request, socket, head, upgradeSource) {
      if (listener !== undefined) return listener.handleUpgrade(request, socket, head, upgradeSource);
      throw new HawserError(
        "invalid_config",
        'this principal takes no upgrades; give createPrincipal listen: { by: "upgrade" }, or a port',
      );
    },
    reauthenticate: () => sessions.reauthenticate(),
    get draining() {
      return sessions.progress;
    },
    listener,
    internalListener: internal,
    get gate() {
      return life.gate;
    },
    get state() {
      return life.status.value.kind;
    },
    get load() {
      return sessions.load;
    },
    get rollback() {
      return sessions.rollback;
    },
    observe: (added) => observers.add(added),
    status: ({ signal } = {}) => life.status.follow(signal, ({ kind }) => kind === "stopped"),
    resources: createResources(parts),
    ...agentMethods(parts),
    ...mailboxMethods(parts),
  };
}

type Parts = ReturnType<typeof partsOf>;

function partsOf(options: PrincipalOptions) {
  const { store, acceptors, runtime: given = systemRuntime(warningLogger()) } = options;
  const observers = new ObserverSet(options.observer, given.logger);
  const { observer } = observers;
  const onSuppressed = (): void => observer.logLineSuppressed?.();
  const runtime = withLogger(given, limitedLogger(given.logger, { clock: given.clock, onSuppressed }));
  const source = options.source ?? "hawser/principal";
  const listener = options.listen && createListener(options.listen, { runtime, acceptors });
  const internal =
    options.internal && createInternalListener(options.internal.listen, { runtime, acceptors });
  const sessions = new SessionRegistry({
    runtime,
    store,
    source,
    software: `hawser-principal/${VERSION}`,
    window: checkWindow(options.window ?? DEFAULT_WINDOW),
    windowBytes: checkBytes("windowBytes", options.windowBytes ?? DEFAULT_WINDOW_BYTES),
    readAheadBytes: checkBytes("readAheadBytes", options.readAheadBytes ?? DEFAULT_READ_AHEAD_BYTES),
    rates: resolveAgentRates(options.rates),
    maxSessions: checkMaxSessions(options.maxSessions),
    authenticate: options.authenticate ?? (() => ({ ok: true })),
    onEvent: options.onEvent,
    observer,
    timing: resolveSessionTiming(options.timing),
    resend: resolveResendTiming(options.resend),
    turn: (connection) =>
      connection.peer.internal === true ? undefined : listener?.awaitAdmission(connection),
    settled: (connection, became) =>
      (connection.peer.internal === true ? internal : listener)?.handshakeDone(connection, became),
    slot: () => listener?.slot() ?? DEFAULT_SLOT_MS,
  });
  const limited = <T>(limits: CallLimits, agent: string, work: () => Promise<T>): Promise<T> =>
    withinLimits(
      limits,
      runtime.timers,
      (code, message, cause) => new HawserError(code, message, { agent, cause }),
      work,
    );
  return { store, runtime, source, observers, observer, listener, internal, sessions, limited };
}

function screenOf({ screen }: PrincipalOptions, { runtime, observer, listener }: Parts) {
  if (screen === undefined) return undefined;
  return screening({
    screen,
    logger: runtime.logger,
    observer,
    known: ({ address, internal }) => internal !== true && listener?.known(address),
  });
}

type AgentMethods = Pick<
  Principal,
  | "agents"
  | "allAgents"
  | "agent"
  | "removeAgent"
  | "readmitAgent"
  | "removedAgents"
  | "allRemovedAgents"
  | "purgePending"
>;

function agentMethods({ store, runtime, observer, sessions, limited }: Parts): AgentMethods {
  const directory = new AgentDirectory({ store, sessions, clock: runtime.clock });
  const agents = (page: Page) => limited(page, "", () => directory.page(page));
  const removed = (page: Page) => limited(page, "", () => removedAgents(page, { store }));
  return {
    agents,
    allAgents: (options) => allOf({ read: agents, keyOf: ({ name }) => name }, options),
    agent: (name, limits = {}) => limited(limits, name, () => directory.named(name)),
    removeAgent: (agent, { force = false, tombstone = true, ...limits } = {}) =>
      limited(limits, agent, () => removeAgent(agent, { force, tombstone }, { store, sessions, runtime })),
    readmitAgent: (agent, limits = {}) =>
      limited(limits, agent, () => readmitAgent(agent, { store, runtime })),
    removedAgents: removed,
    allRemovedAgents: (options) => allOf({ read: removed, keyOf: ({ name }) => name }, options),
    purgePending: (agent, { resource, ...limits } = {}) => {
      const what = resource === undefined ? {} : { resource };
      const { logger } = runtime;
      return limited(limits, agent, () => purgePending(agent, what, { store, sessions, observer, logger }));
    },
  };
}

type MailboxMethods = Pick<
  Principal,
  "publish" | "deadLetters" | "allDeadLetters" | "requeue" | "discardDeadLetter"
>;

function mailboxMethods({ store, runtime, observer, sessions, limited }: Parts): MailboxMethods {
  const discarded = (agent: string): Promise<void> => sessions.releaseSeries(agent);
  const mailboxes = new Mailboxes({ runtime, store, observer, discarded });
  const deadLetters: Principal["deadLetters"] = (agent, page) =>
    limited(page, agent, () => mailboxes.deadLetters(agent, page));

  async function* allDeadLetters(
    ...[agent, options]: Parameters<Principal["allDeadLetters"]>
  ): AsyncGenerator<DeadLetterView, void, undefined> {
    const newest = await mailboxes.newest(agent);
    const paged = {
      read: (page: Page) => deadLetters(agent, page),
      keyOf: ({ eventid }: DeadLetterView) => eventid,
    };
    for await (const letter of allOf(paged, options)) {
      if (parseVersion(letter.eventid) > newest) return;
      yield letter;
    }
  }

  return {
    publish: (agent, given, options = {}) =>
      limited(options, agent, () => {
        const { traceContext } = options;
        try {
          const event = countRefusals(observer, agent, () => plainEvent(given));
          const trace = (): PublishTrace => ({ agent, event, traceContext });
          const work = (tracing?: PublishTrace): Promise<Accepted> =>
            mailboxes.publish(agent, event, options.idempotencyKey, (tracing ?? options).traceContext);
          return traced(publishing, trace, work);
        } catch (refused) {
          return Promise.reject(HawserError.from(refused));
        }
      }),
    deadLetters,
    allDeadLetters,
    requeue: (agent, eventid, limits = {}) => limited(limits, agent, () => mailboxes.requeue(agent, eventid)),
    discardDeadLetter: (agent, eventid, limits = {}) =>
      limited(limits, agent, () => mailboxes.discard(agent, eventid)),
  };
}

function checkMaxSessions(maxSessions = DEFAULT_MAX_SESSIONS): number {
  if (Number.isSafeInteger(maxSessions) && maxSessions >= 1) return maxSessions;
  throw new HawserError("invalid_config", `maxSessions must be a whole number from 1, not ${maxSessions}`);
}
