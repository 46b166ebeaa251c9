import {
  Gate,
  type BoundAddress,
  type GateOptions,
  type Listener,
  type ReadinessCondition,
  type UnixAddress,
} from "@hawser/listener";
import { HawserError } from "@hawser/protocol";
import { Latest, tellObserver, traced, type Runtime } from "@hawser/runtime";
import type { StoreUse } from "@hawser/store";
import type { Acceptor, Screen } from "@hawser/transport";
import type { DrainOptions, DrainReport } from "./drain.js";
import { ownConditions } from "./own-conditions.js";
import type { Principal, PrincipalAddresses, PrincipalOptions, PrincipalStatus } from "./principal.js";
import type { SessionRegistry } from "./sessions/session-registry.js";
import { draining } from "./tracing.js";
import { warnOfOpenPort, warnOfOpenUpgrades } from "./warn-of-open-port.js";

/** How long `stop` gives the fleet to go: short, because whoever stops a process has a deadline of their own. */
export const DEFAULT_STOP_WINDOW_MS = 5_000;
/** Without a port of its own to log in by, a principal has nothing to wait for. */
const AT_ONCE: GateOptions = { stableForMs: 0 };

export interface PrincipalLifeParts {
  readonly options: PrincipalOptions;
  readonly runtime: Runtime;
  readonly sessions: SessionRegistry;
  readonly listener: Listener<BoundAddress | undefined> | undefined;
  readonly internal: Listener<BoundAddress | UnixAddress> | undefined;
  readonly screen: Screen | undefined;
}

/** From start over drain to stop: what is opened in which order, and closed in the other. */
export class PrincipalLife {
  readonly status = new Latest<PrincipalStatus>({ kind: "stopped" });
  readonly #parts: PrincipalLifeParts;
  #gate: Gate;
  #stopping: Promise<void> | undefined;
  /** Where it can be reached, from when it is. */
  #opened: PrincipalAddresses | undefined;
  /** Those this principal has started: one that was refused, as another principal has it, stays with that one. */
  readonly #accepting = new Set<Acceptor>();
  /** From the start on, also while the store is being opened. */
  #using: Promise<StoreUse> | undefined;

  constructor(parts: PrincipalLifeParts) {
    this.#parts = parts;
    this.#gate = this.#newGate([]);
  }

  get gate(): Principal["gate"] {
    return this.#gate.state;
  }

  async start(): Promise<PrincipalAddresses> {
    if (this.status.value.kind !== "stopped")
      throw new HawserError(
        "invalid_state",
        "this principal has been started already; stop it before you start it again",
      );
    const { options, runtime, sessions, listener, internal } = this.#parts;
    this.status.set({ kind: "starting", gate: this.gate });
    this.#stopping = undefined;
    sessions.reopen();
    const use = options.store.use();
    this.#using = use;
    try {
      await use;
      this.#assertWanted();
      await this.#accept();
      const internalAddress = await internal?.start();
      this.#assertWanted();
      const dialer = internalAddress && options.internal?.selfLogin?.(internalAddress);
      this.#gate = this.#newGate(internalAddress ? ownConditions(options.store, dialer, runtime) : []);
      await this.#gate.open();
      this.#assertWanted();
      const address = await listener?.start();
      this.#assertWanted();
      for (const each of [address, internalAddress]) warnOfOpenPort(each, options, runtime.logger);
      warnOfOpenUpgrades(options, runtime.logger);
      this.#opened = { address, internalAddress };
      this.status.set({ kind: "open", ...this.#opened });
      return this.#opened;
    } catch (thrown) {
      this.#gate.close();
      await this.#close(use);
      throw thrown;
    }
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#shutDown());
  }

  async drain(order: DrainOptions): Promise<DrainReport> {
    const { shape = "restart", reason } = order;
    return traced(
      draining,
      () => ({ shape, reason }),
      () => {
        const report = this.#parts.sessions.drain(order);
        const { kind } = this.status.value;
        // A drained principal does not open its port: it would send away everybody who came.
        if (kind === "starting") this.#gate.close();
        if (kind === "starting" || kind === "open") this.status.set({ kind: "draining", shape, reason });
        return report;
      },
    );
  }

  undrain(): void {
    const refused = (why: string): HawserError =>
      new HawserError("conflict", `no drain can be taken back: ${why}`);
    if (this.#stopping !== undefined) throw refused("this principal is being stopped; start it again");
    if (this.status.value.kind !== "draining") throw refused("none is under way");
    if (this.#opened === undefined)
      throw refused("this principal was drained before it was open; start it again");
    this.#parts.sessions.undrain();
    this.status.set({ kind: "open", ...this.#opened });
  }

  async #accept(): Promise<void> {
    const { options, sessions, listener, screen } = this.#parts;
    for (const acceptor of options.acceptors) {
      await acceptor.start((connection) => {
        if (connection.peer.internal !== true) listener?.opened(connection);
        sessions.accept(connection);
      }, screen);
      this.#accepting.add(acceptor);
    }
  }

  #newGate(own: readonly ReadinessCondition[]): Gate {
    const { options, internal, runtime } = this.#parts;
    return new Gate(runtime, own, {
      ...(options.gate ?? (internal === undefined ? AT_ONCE : {})),
      onState: (state) => {
        if (this.status.value.kind === "starting") this.status.set({ kind: "starting", gate: state });
        // The gate also tells of its close, behind which everything else is stopped.
        tellObserver(() => options.gate?.onState?.(state), runtime.logger);
      },
    });
  }

  #assertWanted(): void {
    if (this.#stopping !== undefined || this.status.value.kind !== "starting")
      throw new HawserError("aborted", "the principal was stopped, or drained, while it started");
  }

  async #shutDown(): Promise<void> {
    const { kind } = this.status.value;
    if (kind === "stopped") return;
    const { options, sessions } = this.#parts;
    this.#gate.close();
    // The port stays open meanwhile: agents that come now are told when to come back.
    if (kind !== "starting") {
      const order = { reason: "the principal stops", windowMs: DEFAULT_STOP_WINDOW_MS, ...options.stop };
      sessions.hasten(order);
      await this.drain(order);
    }
    await this.#close(this.#using);
  }

  /** Closes what a start has opened, or has begun to open. */
  async #close(using: Promise<StoreUse> | undefined): Promise<void> {
    const { listener, internal } = this.#parts;
    await listener?.stop();
    await internal?.stop();
    for (const acceptor of this.#accepting) await acceptor.stop();
    this.#accepting.clear();
    this.#opened = undefined;
    // Last: everything before writes to it. The start has told why it could not be opened.
    const use = await using?.catch(() => undefined);
    await use?.release();
    this.status.set({ kind: "stopped" });
  }
}
