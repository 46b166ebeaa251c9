import { AgentLink, type LinkObserver, type LinkOptions, type Receiver } from "@hawser/link";
import { HawserError } from "@hawser/protocol";
import type { Logger, Runtime, Timer } from "@hawser/runtime";
import type {
  AgentSession,
  DialFailure,
  Established,
  Reconnect,
  ReconnectPolicy,
  SessionEnd,
} from "@hawser/session";
import type { Connection, Dialer } from "@hawser/transport";
import type { AgentState } from "./agent-state.js";
import { DialAttempt } from "./dial-attempt.js";
import { PRINCIPAL } from "./principal-peer.js";
import { advice } from "./advice.js";

export interface ConnectionLoopOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** At least one. */
  readonly dialers: readonly Dialer[];
  readonly policy: ReconnectPolicy;
  readonly receiver: Receiver;
  readonly observer: LinkObserver;
  readonly session: () => Promise<AgentSession>;
  readonly link: Pick<LinkOptions, "store" | "source" | "window" | "windowBytes" | "resend">;
  /** Events flow. Called before the first of them reaches a handler. */
  readonly opened: (session: Established) => void;
  readonly changed: (state: AgentState) => void;
}

/** What is under way; what people see is `AgentState`. */
type Phase =
  | { readonly kind: "stopped" }
  | { readonly kind: "dialling"; readonly attempt: DialAttempt }
  | { readonly kind: "linked"; readonly link: AgentLink }
  | { readonly kind: "waiting"; readonly timer: Timer };

/** Keeps an agent connected: dial, session, end, wait as the reconnect policy says, again. */
export class ConnectionLoop {
  readonly #options: ConnectionLoopOptions;
  #phase: Phase = { kind: "stopped" };
  #nextDialer = 0;
  /** Everything of ours up to this version is settled: what the next hello says. */
  #settled = 0;
  #stopping: (() => void) | undefined;

  constructor(options: ConnectionLoopOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#phase.kind === "stopped") this.#dial();
  }

  /** Says goodbye and resolves when the connection is gone; cuts it after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#phase.kind === "stopped") return;
    const stopped = new Promise<void>((resolve) => {
      this.#stopping = resolve;
    });
    const { timers } = this.#options.runtime;
    const cut = timers.after(graceMs, () => this.#cut());
    this.#leave();
    await stopped;
    cut.cancel();
    this.#stopping = undefined;
  }

  /** False when there is no open session. */
  rotate(): boolean {
    if (this.#phase.kind !== "linked" || this.#phase.link.session.state.kind !== "open") return false;
    const { link } = this.#phase;
    link.goodbye("rotation");
    return true;
  }

  credentialsChanged(): boolean {
    const dialNow = this.#options.policy.credentialsChanged();
    if (!dialNow || this.#phase.kind !== "waiting") return false;
    this.#phase.timer.cancel();
    this.#dial();
    return true;
  }

  #leave(): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case "stopped":
        return;
      case "dialling":
        phase.attempt.abandon();
        return;
      case "linked":
        phase.link.goodbye("stopping");
        return;
      case "waiting":
        phase.timer.cancel();
        this.#stopped();
    }
  }

  #cut(): void {
    if (this.#phase.kind === "dialling") this.#stopped();
    if (this.#phase.kind !== "linked") return;
    this.#phase.link.connection.terminate(
      new HawserError("aborted", "the agent stops and the goodbye took too long"),
    );
  }

  #dial(): void {
    const dialer = this.#dialer();
    const attempt = new DialAttempt(dialer, {
      session: () => this.#options.session(),
      connected: (connection, session) => this.#connected(connection, session),
      failed: (error) => this.#ended({ kind: "dialFailed", error }),
      abandoned: () => this.#stopped(),
    });
    this.#phase = { kind: "dialling", attempt };
    this.#options.changed({ kind: "connecting", transport: dialer.transport, since: this.#wallTime() });
  }

  #dialer(): Dialer {
    const { dialers } = this.#options;
    const dialer = dialers[this.#nextDialer % dialers.length];
    if (dialer === undefined) throw new HawserError("invalid_config", "an agent needs a dialer");
    return dialer;
  }

  #connected(connection: Connection, session: AgentSession): void {
    const { runtime, receiver, observer, link: parts } = this.#options;
    const link: AgentLink = new AgentLink({
      runtime,
      connection,
      session,
      ...parts,
      peer: { name: PRINCIPAL, receiver, observer },
      onOpened: (established) => this.#opened(link, established),
      onRotationRequested: () => this.#rotateOnRequest(link),
      onEnded: (end) => this.#linkEnded(link, end),
    });
    this.#phase = { kind: "linked", link };
    link.start(this.#settled);
  }

  #opened(link: AgentLink, established: Established): void {
    const { policy, opened, logger, changed } = this.#options;
    policy.opened(this.#now());
    opened(established);
    const { sessionId, epoch, peerSoftware: principalSoftware } = established;
    const { transport } = link.connection;
    logger.info({ transport, session_id: sessionId, epoch, software: principalSoftware }, "connected");
    const since = this.#wallTime();
    changed({ kind: "connected", transport, sessionId, epoch, principalSoftware, since });
  }

  // The principal or a proxy asks for a new connection: no failure is counted.
  #rotateOnRequest(link: AgentLink): void {
    const { transport } = link.connection;
    this.#options.logger.info({ transport }, "the other end wants another connection: rotating");
    link.rotateOnRequest();
  }

  #linkEnded(link: AgentLink, end: SessionEnd): void {
    // A link that threw at its start was a failed dial, and another dial may be under way.
    if (this.#phase.kind !== "linked" || this.#phase.link !== link) return;
    this.#settled = link.settledFloor;
    this.#ended(end);
  }

  #ended(end: SessionEnd | DialFailure): void {
    if (this.#stopping !== undefined) {
      this.#stopped();
      return;
    }
    // Another address may do better than one that failed.
    if (end.kind === "dialFailed" || end.kind === "failed") this.#nextDialer += 1;
    const error = "error" in end ? end.error : undefined;
    const reconnect = this.#options.policy.next(end, this.#now());
    const { delayMs, reason } = reconnect;
    this.#log(reconnect, error);
    const timer = this.#options.runtime.timers.after(delayMs, () => this.#dial());
    this.#phase = { kind: "waiting", timer };
    this.#options.changed({ kind: "waiting", delayMs, reason, error, since: this.#wallTime() });
  }

  #log({ delayMs, loud, reason }: Reconnect, error: HawserError | undefined): void {
    const { logger } = this.#options;
    const fields = { code: error?.code, delay_ms: Math.round(delayMs) };
    const line = `not connected: ${reason}`;
    if (loud) logger.error(fields, `${line}. ${advice(error?.code)}`);
    else if (error !== undefined) logger.warn(fields, line);
    else logger.info(fields, line);
  }

  #stopped(): void {
    this.#phase = { kind: "stopped" };
    this.#stopping?.();
  }

  #now(): number {
    return this.#options.runtime.clock.now();
  }

  #wallTime(): number {
    return this.#options.runtime.clock.wallTime();
  }
}
