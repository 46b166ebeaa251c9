import type { PrincipalLink, Refusal } from "@hawser/link";
import { checkAgentName, HawserError, type Hello } from "@hawser/protocol";
import { agentRemoved, type Found, type Store } from "@hawser/store";
import type { Connection, PeerInfo } from "@hawser/transport";
import type { Authenticate, AuthenticateResult } from "../authenticate.js";
import type { AdmissionDecision } from "@hawser/listener";
import { SELF_AGENT } from "../self-login.js";
import type { BarredAgents } from "./barred-agents.js";
import type { Drains } from "./drains.js";
import type { KnownAgents } from "./known-agents.js";

/** What a hello is judged by. */
export interface HelloAdmissionOptions {
  readonly store: Store;
  readonly agents: KnownAgents;
  readonly barred: BarredAgents;
  readonly drains: Drains;
  readonly authenticate: Authenticate;
  readonly maxSessions: number;
  /** Agents that were let in, and whose connections have not ended. */
  readonly sessions: () => number;
  /** Whether a connection has ended, or is being closed: its hello was not answered in time, say. */
  readonly isLeaving: (link: PrincipalLink) => boolean;
  /** Resolves when a connection that is let in may become a session, or has to go; undefined: it may now. */
  readonly turn: (connection: Connection) => Promise<AdmissionDecision> | undefined;
  /** A slot for an agent that is refused, in milliseconds from now. */
  readonly slot: () => number;
}

/** Which hello is let in: a list of checks, of which the first refusal counts. */
export class HelloAdmission {
  readonly #options: HelloAdmissionOptions;

  constructor(options: HelloAdmissionOptions) {
    this.#options = options;
  }

  /** Undefined: it is let in. @throws HawserError `invalid_agent_name` */
  async refusal(hello: Hello, link: PrincipalLink): Promise<Refusal | undefined> {
    const early = this.#duringDrain(hello) ?? (await this.#byIdentity(hello, link));
    if (early !== undefined) return early;
    const unwanted = (await this.#byTombstone(hello)) ?? this.#asItLeft(link) ?? this.#byNumber(hello);
    if (unwanted !== undefined) return unwanted;
    const turn = await this.#options.turn(link.connection);
    // Much may have happened meanwhile: a drain may have begun, and the last places may have gone to others.
    return (
      this.#asItLeft(link) ??
      this.#duringDrain(hello) ??
      this.#byTurn(hello, turn) ??
      this.#duringRemoval(hello) ??
      this.#byNumber(hello)
    );
  }

  /**
   * The check of one hello inside its claim: how often the agent may open sessions. The store may
   * try a claim again, so a hello is counted once and keeps its answer. It is counted at once,
   * because the hellos that come together share a commit. Peers at the internal port are trusted.
   */
  objection(hello: Hello, { internal }: PeerInfo): (found: Found) => Refusal | undefined {
    if (internal === true) return () => undefined;
    const { agent } = hello;
    const presence = this.#options.agents.getOrAdd(agent);
    const answers = new Map<boolean, boolean>();
    return (found) => {
      const begins = beginsAnew(hello, found);
      const mayOpen = answers.get(begins) ?? presence.mayOpen(begins);
      answers.set(begins, mayOpen);
      if (mayOpen) return undefined;
      return this.#overloaded(
        "this agent has opened too many sessions lately; come back at this time",
        agent,
      );
    };
  }

  /** Who is this? @throws HawserError `invalid_agent_name`; whatever the application throws */
  async authenticate(peer: PeerInfo, hello: Hello): Promise<AuthenticateResult> {
    checkAgentName(hello.agent);
    if (hello.agent !== SELF_AGENT) return this.#options.authenticate(peer, hello);
    // Who reaches the internal port is trusted with this name, which nothing is ever sent to.
    if (peer.internal === true) return { ok: true };
    const error = new HawserError("forbidden", `the name ${SELF_AGENT} is the principal's own`);
    return { ok: false, error };
  }

  async #byIdentity(hello: Hello, link: PrincipalLink): Promise<Refusal | undefined> {
    const result = await this.authenticate(link.connection.peer, hello);
    // A connection that ended meanwhile must leave nothing behind: not a place in the line, either.
    const left = this.#asItLeft(link);
    if (left !== undefined || result.ok) return left;
    return refusal(result.error, result.retryAfterMs);
  }

  #asItLeft(link: PrincipalLink): Refusal | undefined {
    if (!this.#options.isLeaving(link)) return undefined;
    return refusal(new HawserError("connection_closed", "it went away before it was let in"));
  }

  #duringDrain({ agent }: Hello): Refusal | undefined {
    const drained = this.#options.drains.refusal(agent);
    return drained && refusal(drained.error, drained.retryAfterMs);
  }

  /** An agent that was let in meanwhile is refused by the store. */
  async #byTombstone({ agent }: Hello): Promise<Refusal | undefined> {
    const tombstone = await this.#options.store.tombstone(agent);
    if (tombstone === undefined || this.#options.barred.has(agent)) return undefined;
    return refusal(agentRemoved(agent, tombstone));
  }

  #byNumber({ agent }: Hello): Refusal | undefined {
    const { maxSessions, sessions } = this.#options;
    if (sessions() < maxSessions) return undefined;
    return this.#overloaded(`this principal holds ${maxSessions} sessions already`, agent);
  }

  #byTurn({ agent }: Hello, turn: AdmissionDecision | undefined): Refusal | undefined {
    if (turn?.kind !== "refused") return undefined;
    const what = "too many agents are connecting; come back at this time";
    return refusal(new HawserError("overloaded", what, { agent }), turn.retryAfterMs);
  }

  #duringRemoval({ agent }: Hello): Refusal | undefined {
    if (!this.#options.barred.has(agent)) return undefined;
    return this.#overloaded("this agent is being removed; come back at this time", agent);
  }

  #overloaded(what: string, agent: string): Refusal {
    return refusal(new HawserError("overloaded", what, { agent }), this.#options.slot());
  }
}

function refusal(error: HawserError, retryAfterMs?: number): Refusal {
  return { kind: "refused", error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

// What it has to be sent again then takes the store long.
function beginsAnew({ store, known }: Hello, { standing, store: own }: Found): boolean {
  if (standing === undefined) return false;
  return standing.peer.store !== store || (known !== undefined && known.store !== own);
}
