import { Receiver } from "@hawser/link";
import {
  checkAgentName,
  checkDraft,
  DEFAULT_WINDOW,
  formatVersion,
  HawserError,
  LIMITS,
  RESERVED_TYPE_PREFIX,
} from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { AgentSession, ReconnectPolicy, resolveSessionTiming } from "@hawser/session";
import type { Dialer } from "@hawser/transport";
import type { Accepted, Agent, AgentOptions, PublishOptions, StopOptions } from "./agent.js";
import type { AgentState } from "./agent-state.js";
import { ConnectionLoop } from "./connection-loop.js";
import { Dispatcher } from "./dispatcher.js";
import { PRINCIPAL } from "./principal-peer.js";
import { StatusReporter } from "./status-reporter.js";
import { VERSION } from "./version.js";

/** Long enough for a goodbye over a slow line, short enough for whoever stops a process. */
export const DEFAULT_STOP_GRACE_MS = 10_000;

/** What lives from `start` to `stop`. */
interface Running {
  readonly loop: ConnectionLoop;
  readonly dispatcher: Dispatcher;
  readonly reporter: StatusReporter;
  readonly patience: AbortController;
  readonly started: Promise<void>;
}

/**
 * The remote end as a library.
 *
 * @throws HawserError `invalid_agent_name`; `invalid_config` for options that make no sense
 */
export function createAgent(options: AgentOptions): Agent {
  const name = checkAgentName(options.name);
  const runtime = options.runtime ?? systemRuntime();
  const logger = runtime.logger.child({ agent: name });
  const source = `hawser/agent/${name}`;
  const { store, observer = {}, handlers = {} } = options;
  const dialers = dialersOf(options.dialer);
  const timing = resolveSessionTiming(options.timing);
  const policy = new ReconnectPolicy({
    random: runtime.random,
    ...(options.reconnect === undefined ? {} : { timing: options.reconnect }),
  });
  const window = checkWindow(options.window ?? DEFAULT_WINDOW);
  const session = (): AgentSession =>
    new AgentSession({
      agent: name,
      store: store.id,
      window,
      software: options.software ?? `hawser-agent/${VERSION}`,
      random: runtime.random,
      timing,
    });
  let state: AgentState = { kind: "stopped" };
  let running: Running | undefined;
  let stopping: Promise<void> | undefined;

  const changed = (next: AgentState): void => {
    state = next;
    observer.state?.(next);
  };

  function make(): Omit<Running, "started"> {
    let peerStore: string | undefined;
    const patience = new AbortController();
    const reporter = new StatusReporter({ runtime, store, source });
    const dispatcher = new Dispatcher({
      handlers,
      onEvent: options.onEvent,
      retained: store.retained,
      reporter,
      signal: patience.signal,
      logger,
      peerStore: () => peerStore,
    });
    const receiver = new Receiver({
      runtime,
      store: store.inbox,
      peer: PRINCIPAL,
      apply: (delivery) => dispatcher.apply(delivery),
      observer,
    });
    const loop = new ConnectionLoop({
      runtime,
      logger,
      dialers,
      policy,
      receiver,
      observer,
      session,
      link: { store, source, window, ...(options.resend === undefined ? {} : { resend: options.resend }) },
      opened: (established) => {
        peerStore = established.peerStore;
      },
      changed,
    });
    return { loop, dispatcher, reporter, patience };
  }

  async function begin({ loop, dispatcher, patience }: Omit<Running, "started">): Promise<void> {
    changed({ kind: "restoring" });
    await dispatcher.restore();
    if (!patience.signal.aborted) loop.start();
  }

  async function shutDown({ graceMs = DEFAULT_STOP_GRACE_MS }: StopOptions): Promise<void> {
    if (running === undefined) return;
    const { loop, dispatcher, reporter, patience, started } = running;
    const restoring = state.kind === "restoring";
    changed({ kind: "stopping", since: runtime.clock.wallTime() });
    if (restoring) patience.abort();
    const half = runtime.timers.after(graceMs / 2, () => patience.abort());
    await started.catch(() => {});
    await loop.stop(graceMs);
    half.cancel();
    patience.abort();
    await atMost(graceMs, dispatcher.idle());
    await stopHandlers();
    await reporter.stop();
    running = undefined;
    changed({ kind: "stopped" });
  }

  // Each is bounded by itself: what it holds, such as processes, is worth waiting for.
  async function stopHandlers(): Promise<void> {
    const results = await Promise.allSettled(
      [...new Set(Object.values(handlers))].map(async (each) => each.stop?.()),
    );
    for (const result of results) {
      if (result.status === "rejected")
        logger.error({ err: result.reason }, "a handler did not stop cleanly");
    }
  }

  async function atMost(ms: number, work: Promise<void>): Promise<void> {
    let give: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      give = resolve;
    });
    const timer = runtime.timers.after(ms, () => {
      logger.warn({}, "a handler does not end; its event will be applied again");
      give();
    });
    await Promise.race([work, late]);
    timer.cancel();
  }

  return {
    name,
    get state() {
      return state;
    },

    async start() {
      if (running !== undefined) throw new HawserError("internal", "this agent has been started already");
      const parts = make();
      const started = begin(parts);
      running = { ...parts, started };
      try {
        await started;
      } catch (thrown) {
        running = undefined;
        changed({ kind: "stopped" });
        throw thrown;
      }
    },

    stop: (stopOptions = {}) =>
      (stopping ??= shutDown(stopOptions).finally(() => {
        stopping = undefined;
      })),

    rotate: () => running?.loop.rotate() ?? false,
    credentialsChanged: () => running?.loop.credentialsChanged() ?? false,

    async publish(event, { idempotencyKey }: PublishOptions = {}): Promise<Accepted> {
      const draft = checkDraft(event);
      if (draft.type.startsWith(RESERVED_TYPE_PREFIX)) {
        throw new HawserError(
          "invalid_event",
          `${draft.type} is reserved; statuses are reported by handlers`,
          {
            agent: name,
            resource_id: draft.resourceid,
          },
        );
      }
      const key = idempotencyKey === undefined ? {} : { idempotencyKey };
      const [appended] = await store.append([{ peer: PRINCIPAL, event: draft, ...key }]);
      if (appended === undefined) throw new HawserError("internal", "the store gave no answer to an append");
      if (!appended.ok) throw appended.error;
      const { version, duplicate } = appended;
      return { eventid: formatVersion(version), resourceid: draft.resourceid, duplicate };
    },
  };
}

function checkWindow(window: number): number {
  if (Number.isSafeInteger(window) && window >= 1 && window <= LIMITS.maxWindow) return window;
  throw new HawserError(
    "invalid_config",
    `window must be a whole number from 1 to ${LIMITS.maxWindow}, not ${window}`,
  );
}

function dialersOf(dialer: Dialer | readonly Dialer[]): readonly Dialer[] {
  const dialers = "dial" in dialer ? [dialer] : dialer;
  if (dialers.length > 0) return dialers;
  throw new HawserError("invalid_config", "dialer: give at least one way to reach the principal");
}
