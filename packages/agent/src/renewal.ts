import type { Link } from "@hawser/link";
import type { HawserError } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import type { AgentSession, DialFailure, Reconnect, ReconnectPolicy, SessionEnd } from "@hawser/session";
import type { Connection } from "@hawser/transport";
import type { DialAttempt, DialOutcome } from "./dial-attempt.js";

type AgentLink = Link<AgentSession>;

export interface RenewalOptions {
  readonly runtime: Runtime;
  /** Of its own: what keeps a new session from coming about is no failure of the present one. */
  readonly policy: ReconnectPolicy;
  readonly dial: (outcome: DialOutcome) => DialAttempt;
  /** Begins a session on the connection that is to continue the present one. */
  readonly begin: (connection: Connection) => AgentLink;
  /** It did not come about; it is tried again after the delay, while the present session goes on. */
  readonly delayed: (next: Reconnect, error: HawserError | undefined) => void;
}

type RenewalState =
  | { readonly kind: "dialling"; readonly attempt: DialAttempt }
  | { readonly kind: "greeting"; readonly link: AgentLink }
  | { readonly kind: "waiting"; readonly timer: Timer }
  | { readonly kind: "cancelled" };

/** Brings about the session that is to continue the present one, for as long as it takes (PROTOCOL.md, Make before break). */
export class Renewal {
  readonly #options: RenewalOptions;
  #state: RenewalState;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#state = this.#dialling();
  }

  /** The new session, while it is not open yet. */
  get link(): AgentLink | undefined {
    return this.#state.kind === "greeting" ? this.#state.link : undefined;
  }

  /** The new session ended before it was open, or there was no connection. */
  failed(end: SessionEnd | DialFailure): void {
    const { policy, runtime, delayed } = this.#options;
    const next = policy.next(end, runtime.clock.now());
    const timer = runtime.timers.after(next.delayMs, () => this.#again());
    this.#state = { kind: "waiting", timer };
    delayed(next, "error" in end ? end.error : undefined);
  }

  /** The present session has ended, or the agent stops: this is not needed any more. */
  cancel(): void {
    const state = this.#state;
    this.#state = { kind: "cancelled" };
    if (state.kind === "dialling") state.attempt.abandon();
    if (state.kind === "waiting") state.timer.cancel();
    if (state.kind === "greeting")
      state.link.perform(state.link.session.goodbye("stopping", this.#options.runtime.clock.now()));
  }

  /** True when it waits for them: then it is tried at once. */
  credentialsChanged(): boolean {
    if (!this.#options.policy.credentialsChanged() || this.#state.kind !== "waiting") return false;
    this.#state.timer.cancel();
    this.#again();
    return true;
  }

  #again(): void {
    this.#state = this.#dialling();
  }

  #dialling(): RenewalState {
    const attempt = this.#options.dial({
      connected: (connection) => {
        this.#state = { kind: "greeting", link: this.#options.begin(connection) };
      },
      failed: (error) => this.failed({ kind: "dialFailed", error }),
      abandoned: () => {},
    });
    return { kind: "dialling", attempt };
  }
}
