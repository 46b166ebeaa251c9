import { Link, type LinkObserver, type LinkOptions, type Receiver } from "@hawser/link";
import { HawserError, type Goodbye } from "@hawser/protocol";
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
import { DialAttempt, type DialOutcome } from "./dial-attempt.js";
import { PRINCIPAL } from "./principal-peer.js";
import { remedy } from "./remedy.js";
import { Renewal } from "./renewal.js";

type AgentLink = Link<AgentSession>;

export interface ConnectionLoopOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** At least one. */
  readonly dialers: readonly Dialer[];
  readonly policy: ReconnectPolicy;
  /** A policy for one renewal. */
  readonly renewalPolicy: () => ReconnectPolicy;
  readonly receiver: Receiver;
  readonly observer: LinkObserver;
  /** @param replaces id of the session that it is to continue */
  readonly session: (replaces?: string) => AgentSession;
  readonly link: Pick<LinkOptions<AgentSession>, "store" | "source" | "window" | "windowBytes" | "resend">;
  /** Events flow. Called before the first of them reaches a handler. */
  readonly opened: (session: Established) => void;
  readonly changed: (state: AgentState) => void;
}

/** What is under way; what people see is `AgentState`. */
type Phase =
  | { readonly kind: "stopped" }
  | { readonly kind: "dialling"; readonly attempt: DialAttempt }
  /** The id is there once the session is open. */
  | { readonly kind: "linked"; readonly link: AgentLink; readonly sessionId?: string }
  | { readonly kind: "waiting"; readonly timer: Timer };

/**
 * Keeps an agent connected: dial, session, end, wait as the reconnect policy says, again. Beside the present session there may be the one that is to continue
 * it, and those it continued, which are leaving.
 */
export class ConnectionLoop {
  readonly #options: ConnectionLoopOptions;
  #phase: Phase = { kind: "stopped" };
  #renewal: Renewal | undefined;
  /** Whatever holds a connection or is about to. */
  readonly #busy = new Set<DialAttempt | AgentLink>();
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

  /** Says goodbye and resolves when every connection is gone; cuts them after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#phase.kind === "stopped") return;
    const stopped = new Promise<void>((resolve) => {
      this.#stopping = resolve;
    });
    const { timers } = this.#options.runtime;
    const cut = timers.after(graceMs, () => this.#cut());
    this.#cancelRenewal();
    this.#leave("stopping");
    this.#checkStopped();
    await stopped;
    cut.cancel();
    this.#stopping = undefined;
  }

  /** False when there is no open session. */
  rotate(): boolean {
    if (this.#phase.kind !== "linked" || this.#phase.link.session.state.kind !== "open") return false;
    const { link } = this.#phase;
    link.perform(link.session.renew(this.#now()));
    return true;
  }

  credentialsChanged(): boolean {
    const renewed = this.#renewal?.credentialsChanged() ?? false;
    const dialNow = this.#options.policy.credentialsChanged();
    if (!dialNow || this.#phase.kind !== "waiting") return renewed;
    this.#phase.timer.cancel();
    this.#dial();
    return true;
  }

  #leave(reason: Goodbye["reason"]): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case "stopped":
        return;
      case "dialling":
        phase.attempt.abandon();
        return;
      case "linked":
        phase.link.perform(phase.link.session.goodbye(reason, this.#now()));
        return;
      case "waiting":
        phase.timer.cancel();
    }
  }

  #cut(): void {
    const error = new HawserError("aborted", "the agent stops and the goodbye took too long");
    for (const each of this.#busy) {
      if (each instanceof DialAttempt) this.#busy.delete(each);
      else each.connection.terminate(error);
    }
    this.#checkStopped();
  }

  #dial(): void {
    const dialer = this.#dialer();
    const attempt = this.#attempt(dialer, {
      connected: (connection) => {
        const link = this.#link(connection);
        this.#phase = { kind: "linked", link };
        link.start(this.#settled);
      },
      failed: (error) => this.#ended({ kind: "dialFailed", error }),
      abandoned: () => {},
    });
    this.#phase = { kind: "dialling", attempt };
    this.#options.changed({ kind: "connecting", transport: dialer.transport, since: this.#wallTime() });
  }

  #attempt(dialer: Dialer, outcome: DialOutcome): DialAttempt {
    const done = (): void => {
      this.#busy.delete(attempt);
    };
    const attempt: DialAttempt = new DialAttempt(dialer, {
      connected: (connection) => {
        done();
        outcome.connected(connection);
      },
      failed: (error) => {
        done();
        outcome.failed(error);
      },
      abandoned: () => {
        done();
        outcome.abandoned();
        this.#checkStopped();
      },
    });
    this.#busy.add(attempt);
    return attempt;
  }

  #dialer(): Dialer {
    const { dialers } = this.#options;
    const dialer = dialers[this.#nextDialer % dialers.length];
    if (dialer === undefined) throw new HawserError("invalid_config", "an agent needs a dialer");
    return dialer;
  }

  /** @param predecessor the link of the session that the new one is to continue */
  #link(connection: Connection, predecessor?: AgentLink, replaces?: string): AgentLink {
    const { runtime, receiver, observer, session, link: parts } = this.#options;
    const link: AgentLink = new Link<AgentSession>({
      runtime,
      connection,
      session: session(replaces),
      ...parts,
      peer: { name: PRINCIPAL, receiver, observer },
      ...(predecessor === undefined ? {} : { predecessor }),
      onOpened: (established) => this.#opened(link, established),
      onRenew: () => this.#renew(),
      onRetiring: () => this.#retire(link),
      onEnded: (end) => this.#linkEnded(link, end),
    });
    this.#busy.add(link);
    return link;
  }

  #opened(link: AgentLink, established: Established): void {
    const { policy, opened, logger, changed } = this.#options;
    policy.opened(this.#now());
    opened(established);
    const { sessionId, epoch, peerSoftware: principalSoftware } = established;
    const { transport } = link.connection;
    const old = this.#phase;
    this.#phase = { kind: "linked", link, sessionId };
    logger.info({ transport, session_id: sessionId, epoch, software: principalSoftware }, "connected");
    changed({
      kind: "connected",
      transport,
      sessionId,
      epoch,
      principalSoftware,
      since: this.#wallTime(),
    });
    if (this.#renewal?.link !== link) return;
    this.#renewal = undefined;
    if (old.kind === "linked") old.link.perform(old.link.session.goodbye("rotation", this.#now()));
  }

  /** Makes the session that continues the present one. */
  #renew(): void {
    const { runtime, renewalPolicy } = this.#options;
    const phase = this.#phase;
    if (phase.kind !== "linked" || this.#renewal !== undefined || this.#stopping !== undefined) return;
    const { link, sessionId } = phase;
    this.#renewal = new Renewal({
      runtime,
      policy: renewalPolicy(),
      dial: (outcome) => this.#attempt(this.#dialer(), outcome),
      begin: (connection) => {
        const next = this.#link(connection, link, sessionId);
        next.start(link.settledFloor);
        return next;
      },
      delayed: (next, error) => {
        if (error !== undefined) this.#nextDialer += 1;
        this.#log("the connection is not renewed yet and goes on", next, error);
      },
    });
  }

  /** The principal or a proxy asks for it: the connection is renewed now, and no failure is counted. */
  #retire(link: AgentLink): void {
    const { transport } = link.connection;
    this.#options.logger.info({ transport }, "the other end wants another connection: rotating");
    link.perform(link.session.retire(this.#now()));
  }

  #cancelRenewal(): void {
    this.#renewal?.cancel();
    this.#renewal = undefined;
  }

  #linkEnded(link: AgentLink, end: SessionEnd): void {
    this.#busy.delete(link);
    if (this.#renewal?.link === link) this.#renewal.failed(end);
    else if (this.#phase.kind === "linked" && this.#phase.link === link) {
      this.#settled = link.settledFloor;
      this.#ended(end);
    }
    this.#checkStopped();
  }

  #ended(end: SessionEnd | DialFailure): void {
    if (this.#stopping !== undefined) return;
    const error = "error" in end ? end.error : undefined;
    const next = this.#renewal?.link;
    if (next !== undefined) {
      // What was to continue the session now takes its place; how that goes decides what comes after.
      this.#renewal = undefined;
      this.#phase = { kind: "linked", link: next };
      const { transport } = next.connection;
      this.#options.changed({ kind: "connecting", transport, since: this.#wallTime() });
      return;
    }
    this.#cancelRenewal();
    // Another address may do better than one that failed; one that let us go on purpose is still right.
    if (end.kind === "dialFailed" || end.kind === "failed") this.#nextDialer += 1;
    const reconnect = this.#options.policy.next(end, this.#now());
    const { delayMs, reason } = reconnect;
    this.#log("not connected", reconnect, error);
    const timer = this.#options.runtime.timers.after(delayMs, () => this.#dial());
    this.#phase = { kind: "waiting", timer };
    this.#options.changed({ kind: "waiting", delayMs, reason, error, since: this.#wallTime() });
  }

  #log(what: string, { delayMs, loud, reason }: Reconnect, error: HawserError | undefined): void {
    const { logger } = this.#options;
    const fields = { code: error?.code, delay_ms: Math.round(delayMs) };
    const line = `${what}: ${reason}`;
    if (loud) logger.error(fields, `${line}. ${remedy(error?.code)}`);
    else if (error !== undefined) logger.warn(fields, line);
    else logger.info(fields, line);
  }

  #checkStopped(): void {
    if (this.#stopping === undefined || this.#busy.size > 0) return;
    this.#phase = { kind: "stopped" };
    this.#stopping();
  }

  #now(): number {
    return this.#options.runtime.clock.now();
  }

  #wallTime(): number {
    return this.#options.runtime.clock.wallTime();
  }
}
