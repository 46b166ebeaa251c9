import { knownStore, Receiver } from "@hawser/link";
import { defined, pause, type Logger } from "@hawser/runtime";
import type { StoreUse } from "@hawser/store";
import { AgentSession, type ReconnectPolicy } from "@hawser/session";
import type { AgentState } from "./agent-state.js";
import { ConnectionLoop } from "./connection-loop.js";
import { Dispatcher } from "./dispatcher.js";
import { HandlerSignals } from "./handler-signals.js";
import { PRINCIPAL } from "./principal-peer.js";
import type { ResolvedOptions } from "./resolve-options.js";
import { StatusReporter } from "./status-reporter.js";

/** What lives from one start of an agent to its stop. */
export class AgentRun {
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  readonly #changed: (state: AgentState) => void;
  readonly #reporter: StatusReporter;
  readonly #dispatcher: Dispatcher;
  readonly #receiver: Receiver;
  readonly #loop: ConnectionLoop;
  /** Aborts the signals of all handlers: at half of the stop grace period. */
  readonly #handlerAbort = new AbortController();
  #started: Promise<void> = Promise.resolve();
  #restoring = true;
  /** Aborted when the agent leaves. */
  readonly #leaving = new AbortController();
  #checking: Promise<void> = Promise.resolve();
  #peerStore: string | undefined;
  #use: StoreUse | undefined;

  constructor(options: ResolvedOptions, policy: ReconnectPolicy, changed: (state: AgentState) => void) {
    const { runtime, store, name, window, windowBytes, observer } = options;
    this.#options = options;
    this.#logger = runtime.logger.child({ agent: name });
    this.#changed = changed;
    const source = `hawser/agent/${name}`;
    this.#reporter = new StatusReporter({ agent: name, runtime, store, source });
    this.#dispatcher = new Dispatcher({
      agent: name,
      handlers: options.handlers,
      onEvent: options.onEvent,
      retained: store.retained,
      reporter: this.#reporter,
      signals: new HandlerSignals(this.#handlerAbort.signal),
      logger: this.#logger,
      peerStore: () => this.#peerStore,
    });
    this.#receiver = new Receiver({
      runtime,
      peer: PRINCIPAL,
      apply: (delivery) => this.#dispatcher.apply(delivery),
      observer,
      windowBytes,
    });
    this.#loop = new ConnectionLoop({
      runtime,
      logger: this.#logger,
      dialers: options.dialers,
      policy,
      receiver: this.#receiver,
      observer,
      session: () => this.#session(),
      link: { store, source, window, windowBytes, resend: options.resend },
      opened: ({ peerStore }) => {
        this.#peerStore = peerStore;
      },
      changed,
    });
  }

  /** Resolves when handlers have the held resources and the first dial is under way. */
  start(): Promise<void> {
    this.#started = this.#begin();
    return this.#started;
  }

  /** Goodbye, running handlers, stopping handlers, last statuses, the store; in this order. */
  async stop(graceMs: number): Promise<void> {
    const { timers } = this.#options.runtime;
    this.#leaving.abort();
    if (this.#restoring) this.#handlerAbort.abort();
    const half = timers.after(graceMs / 2, () => this.#handlerAbort.abort());
    await this.#started.catch(() => {});
    await this.#loop.stop(graceMs);
    half.cancel();
    this.#handlerAbort.abort();
    await this.#atMost(
      graceMs,
      // What a handler has done is recorded behind it, and the store is open only until then.
      Promise.all([this.#dispatcher.idle().then(() => this.#receiver.idle()), this.#checking]).then(() => {}),
    );
    await this.#stopHandlers();
    await this.#reporter.stop();
    await this.#use?.release();
  }

  rotate(): boolean {
    return this.#loop.rotate();
  }

  credentialsChanged(): boolean {
    return this.#loop.credentialsChanged();
  }

  async #begin(): Promise<void> {
    this.#changed({ kind: "restoring" });
    this.#use = await this.#options.store.use();
    await this.#dispatcher.restore();
    this.#restoring = false;
    if (this.#handlerAbort.signal.aborted) return;
    this.#loop.start();
    const handlers = Object.values(this.#options.handlers);
    if (handlers.some(({ check }) => check !== undefined)) this.#checking = this.#checkNowAndThen();
  }

  /** What changed behind the agent's back is found at the start, and then every while. */
  async #checkNowAndThen(): Promise<void> {
    const { runtime, checkIntervalMs } = this.#options;
    const { timers, random } = runtime;
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      await this.#dispatcher
        .check(signal)
        .catch((err: unknown) =>
          this.#logger.warn({ err }, "what this agent holds could not be read to look at it"),
        );
      if (checkIntervalMs === null) return;
      // A fleet that starts together does not look together.
      await pause(timers, checkIntervalMs * (0.75 + random.next() / 2), signal);
    }
  }

  async #session(): Promise<AgentSession> {
    const { name, store, window, windowBytes, software, runtime, timing } = this.#options;
    // What cannot be read now is not said; the mailbox, which is opened next, tells why.
    const known = knownStore(await store.standing(PRINCIPAL).catch(() => undefined));
    return new AgentSession({
      agent: name,
      store: store.id,
      window,
      windowBytes,
      software,
      random: runtime.random,
      timing,
      ...defined({ known }),
    });
  }

  // Each is bounded by itself: what it holds, such as processes, is worth waiting for.
  async #stopHandlers(): Promise<void> {
    const handlers = [...new Set(Object.values(this.#options.handlers))];
    const results = await Promise.allSettled(handlers.map(async (each) => each.stop?.()));
    for (const result of results) {
      if (result.status === "rejected")
        this.#logger.error({ err: result.reason }, "a handler did not stop cleanly");
    }
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let give: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      give = resolve;
    });
    const timer = this.#options.runtime.timers.after(ms, () => {
      this.#logger.warn({}, "a handler does not end; its event will be applied again");
      give();
    });
    await Promise.race([work, late]);
    timer.cancel();
  }
}
