import { DEFAULT_READ_AHEAD_BYTES, type Accepted, type PublishTrace } from "@hawser/link";
import { resolveResendTiming } from "@hawser/delivery";
import {
  createInternalListener,
  createListener,
  Gate,
  type GateOptions,
  type ReadinessCondition,
} from "@hawser/listener";
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
import { resolveSessionTiming } from "@hawser/session";
import type { StoreUse } from "@hawser/store";
import type { Acceptor } from "@hawser/transport";
import {
  type CallLimits,
  Latest,
  limitedLogger,
  systemRuntime,
  tellObserver,
  traced,
  warningLogger,
  withinLimits,
  withLogger,
} from "@hawser/runtime";
import { allOf } from "./all-of.js";
import { countRefusals } from "./count-refusals.js";
import { Mailboxes } from "./mailboxes.js";
import { ObserverSet } from "./observer-set.js";
import { ownConditions } from "./own-conditions.js";
import type {
  DrainOptions,
  DrainReport,
  Page,
  PrincipalAddresses,
  Principal,
  PrincipalOptions,
  PrincipalStatus,
} from "./principal.js";
import { purgePending } from "./purge-pending.js";
import { readmitAgent, removeAgent, removedAgents } from "./remove-agent.js";
import { createResources } from "./resources/resources.js";
import { AgentDirectory } from "./sessions/agent-directory.js";
import { screening } from "./screening.js";
import { resolveAgentRates } from "./sessions/agent-rates.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { draining, publishing } from "./tracing.js";
import { VERSION } from "./version.js";
import { warnOfOpenPort, warnOfOpenUpgrades } from "./warn-of-open-port.js";
import type { DeadLetterView } from "./views.js";

/** Sessions one process keeps when nothing else is said: far above what two cores serve well, below what their memory holds. */
export const DEFAULT_MAX_SESSIONS = 20_000;
/** How long `stop` gives the fleet to go: short, because whoever stops a process has a deadline of their own. */
export const DEFAULT_STOP_WINDOW_MS = 5_000;
/** Without a port of its own to log in by, a principal has nothing to wait for. */
const AT_ONCE: GateOptions = { stableForMs: 0 };
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
  const { store, acceptors, runtime: given = systemRuntime(warningLogger()) } = options;
  const observers = new ObserverSet(options.observer, given.logger);
  const { observer } = observers;
  const onSuppressed = (): void => observer.logLineSuppressed?.();
  const runtime = withLogger(given, limitedLogger(given.logger, { clock: given.clock, onSuppressed }));
  const source = options.source ?? "hawser/principal";
  const listener =
    options.listen === undefined ? undefined : createListener(options.listen, { runtime, acceptors });
  const internal =
    options.internal === undefined
      ? undefined
      : createInternalListener(options.internal.listen, { runtime, acceptors });
  const status = new Latest<PrincipalStatus>({ kind: "stopped" });
  let gate = newGate([]);
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
    turn: (connection) => (connection.peer.internal === true ? undefined : listener?.turn(connection)),
    settled: (connection, became) =>
      (connection.peer.internal === true ? internal : listener)?.settled(connection, became),
    slot: () => listener?.slot() ?? DEFAULT_SLOT_MS,
  });
  const directory = new AgentDirectory({ store, sessions, clock: runtime.clock });
  const mailboxes = new Mailboxes({
    runtime,
    store,
    observer,
    discarded: (agent) => sessions.releaseSeries(agent),
  });
  const screen =
    options.screen === undefined
      ? undefined
      : screening({
          screen: options.screen,
          logger: runtime.logger,
          observer,
          known: ({ address, internal: isInternal }) => isInternal !== true && listener?.known(address),
        });
  let stopping: Promise<void> | undefined;
  /** Where it can be reached, from when it is. */
  let opened: PrincipalAddresses | undefined;
  /** Those this principal has started: one that was refused, as another principal has it, stays with that one. */
  const accepting = new Set<Acceptor>();
  /** From the start on, also while the store is being opened. */
  let using: Promise<StoreUse> | undefined;

  async function start(): ReturnType<Principal["start"]> {
    if (status.value.kind !== "stopped")
      throw new HawserError(
        "invalid_state",
        "this principal has been started already; stop it before you start it again",
      );
    status.set({ kind: "starting", gate: gate.state });
    stopping = undefined;
    sessions.reopen();
    const use = store.use();
    using = use;
    try {
      await use;
      assertWanted();
      for (const acceptor of acceptors) {
        await acceptor.start((connection) => {
          if (connection.peer.internal !== true) listener?.opened(connection);
          sessions.accept(connection);
        }, screen);
        accepting.add(acceptor);
      }
      const internalAddress = await internal?.start();
      assertWanted();
      gate = newGate(
        internalAddress === undefined
          ? []
          : ownConditions(store, options.internal?.selfLogin?.(internalAddress), runtime),
      );
      await gate.open();
      assertWanted();
      const address = await listener?.start();
      assertWanted();
      for (const each of [address, internalAddress]) warnOfOpenPort(each, options, runtime.logger);
      warnOfOpenUpgrades(options, runtime.logger);
      opened = { address, internalAddress };
      status.set({ kind: "open", ...opened });
      return opened;
    } catch (thrown) {
      gate.close();
      await listener?.stop();
      await internal?.stop();
      await stopAccepting();
      await releaseStore(use);
      status.set({ kind: "stopped" });
      throw thrown;
    }
  }

  async function stopAccepting(): Promise<void> {
    for (const acceptor of accepting) await acceptor.stop();
    accepting.clear();
  }

  function newGate(own: readonly ReadinessCondition[]): Gate {
    const settings = options.gate ?? (internal === undefined ? AT_ONCE : {});
    return new Gate(runtime, own, {
      ...settings,
      onState: (state) => {
        if (status.value.kind === "starting") status.set({ kind: "starting", gate: state });
        // It is told as the gate is closed, too, behind which everything else is stopped.
        tellObserver(() => options.gate?.onState?.(state), runtime.logger);
      },
    });
  }

  function assertWanted(): void {
    if (stopping !== undefined || status.value.kind !== "starting")
      throw new HawserError("aborted", "the principal was stopped, or drained, while it started");
  }

  async function drain(order: DrainOptions): Promise<DrainReport> {
    const { shape = "restart", reason } = order;
    return traced(
      draining,
      () => ({ shape, reason }),
      () => {
        const report = sessions.drain(order);
        // Whoever is to go before the port is open does not open it: everybody who came would be told to go.
        if (status.value.kind === "starting") gate.close();
        if (status.value.kind === "starting" || status.value.kind === "open")
          status.set({ kind: "draining", shape, reason });
        return report;
      },
    );
  }

  function undrain(): void {
    const refused = (why: string): HawserError =>
      new HawserError("conflict", `no drain can be taken back: ${why}`);
    if (stopping !== undefined) throw refused("this principal is being stopped; start it again");
    if (status.value.kind !== "draining") throw refused("none is under way");
    if (opened === undefined) throw refused("this principal was drained before it was open; start it again");
    sessions.undrain();
    status.set({ kind: "open", ...opened });
  }

  async function shutDown(): Promise<void> {
    const { kind } = status.value;
    if (kind === "stopped") return;
    gate.close();
    // The port stays open meanwhile: whoever comes now is told when to come back.
    if (kind !== "starting") {
      const order = { reason: "the principal stops", windowMs: DEFAULT_STOP_WINDOW_MS, ...options.stop };
      sessions.hasten(order);
      await drain(order);
    }
    await listener?.stop();
    await internal?.stop();
    await stopAccepting();
    opened = undefined;
    // Last: everything before writes to it.
    await releaseStore(using);
    using = undefined;
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

  const agents: Principal["agents"] = (page) => limited(page, "", () => directory.page(page));
  const deadLetters: Principal["deadLetters"] = (agent, page) =>
    limited(page, agent, () => mailboxes.deadLetters(agent, page));

  const removed: Principal["removedAgents"] = (page) =>
    limited(page, "", () => removedAgents(page, { store }));

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

  const stop = (): Promise<void> => (stopping ??= shutDown());

  return {
    start,
    stop,
    [Symbol.asyncDispose]: stop,
    drain,
    undrain,
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
      return gate.state;
    },
    get state() {
      return status.value.kind;
    },
    get load() {
      return sessions.load;
    },
    get rollback() {
      return sessions.rollback;
    },
    observe: (added) => observers.add(added),
    status: ({ signal } = {}) => status.follow(signal, ({ kind }) => kind === "stopped"),
    resources: createResources({ runtime, store, sessions, source, observer, limited }),
    publish(agent, given, options = {}) {
      const { traceContext } = options;
      return limited(options, agent, () => {
        try {
          const event = countRefusals(observer, agent, () => plainEvent(given));
          const trace = (): PublishTrace => ({ agent, event, traceContext });
          const work = (tracing?: PublishTrace): Promise<Accepted> =>
            mailboxes.publish(agent, event, options.idempotencyKey, (tracing ?? options).traceContext);
          return traced(publishing, trace, work);
        } catch (refused) {
          return Promise.reject(HawserError.from(refused));
        }
      });
    },
    agents,
    allAgents: (options) => allOf({ read: agents, keyOf: ({ name }) => name }, options),
    agent: (name, limits = {}) => limited(limits, name, () => directory.named(name)),
    removeAgent: (agent, { force = false, tombstone = true, ...limits } = {}) =>
      limited(limits, agent, () => removeAgent(agent, { force, tombstone }, { store, sessions, runtime })),
    readmitAgent: (agent, limits = {}) =>
      limited(limits, agent, () => readmitAgent(agent, { store, runtime })),
    removedAgents: removed,
    allRemovedAgents: (options) => allOf({ read: removed, keyOf: ({ name }) => name }, options),
    deadLetters,
    allDeadLetters,
    requeue: (agent, eventid, limits = {}) => limited(limits, agent, () => mailboxes.requeue(agent, eventid)),
    discardDeadLetter: (agent, eventid, limits = {}) =>
      limited(limits, agent, () => mailboxes.discard(agent, eventid)),
    purgePending: (agent, { resource, ...limits } = {}) =>
      limited(limits, agent, () =>
        purgePending(agent, resource === undefined ? {} : { resource }, {
          store,
          sessions,
          observer,
          logger: runtime.logger,
        }),
      ),
  };
}

async function releaseStore(using: Promise<StoreUse> | undefined): Promise<void> {
  // What could not be opened was told by the start.
  const use = await using?.catch(() => undefined);
  await use?.release();
}

function checkMaxSessions(maxSessions = DEFAULT_MAX_SESSIONS): number {
  if (Number.isSafeInteger(maxSessions) && maxSessions >= 1) return maxSessions;
  throw new HawserError("invalid_config", `maxSessions must be a whole number from 1, not ${maxSessions}`);
}
