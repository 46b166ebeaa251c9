import type { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { Established, SessionEnd } from "@hawser/session";
import type { Connection } from "@hawser/transport";
import type { AdmissionTimes } from "@hawser/listener";
import type { PrincipalObserver } from "../principal-observer.js";
import type { RollbackWatch } from "./rollback-watch.js";

/** How sessions began, were refused and ended, for people and for counters. */
export class SessionLog {
  readonly #logger: Logger;
  readonly #observer: PrincipalObserver;
  readonly #rollback: RollbackWatch;

  constructor(logger: Logger, observer: PrincipalObserver, rollback: RollbackWatch) {
    this.#logger = logger;
    this.#observer = observer;
    this.#rollback = rollback;
  }

  opened({ transport, peer }: Connection, session: Established, times: AdmissionTimes | undefined): void {
    const { agent, sessionId: session_id, epoch, peerSoftware: software } = session;
    const took =
      times === undefined
        ? {}
        : { wait_ms: Math.round(times.waitMs), handshake_ms: Math.round(times.handshakeMs) };
    this.#rollback.welcomed(agent);
    const fields = { agent, session_id, epoch, transport, address: peer.address, software, ...took };
    this.#logger.info(fields, "session opened");
  }

  /** @param name of the agent, where its hello was accepted */
  refused({ transport, peer }: Connection, error: HawserError, name = error.agent): void {
    const { code, message } = error;
    this.#observer.sessionRefused?.(name ?? "", code);
    const fields = { transport, address: peer.address, code, agent: name };
    const line = `session refused: ${message}`;
    if (code === "store_rolled_back" && name !== undefined) {
      // Of one cause, and maybe by the whole fleet.
      this.#rollback.proven(name, error);
      this.#logger.debug(fields, line);
    } else this.#logger.warn(fields, line);
  }

  /** @param reason what the agent did, or what was done to it */
  ended({ transport }: Connection, agent: string, end: SessionEnd, reason: string | undefined): void {
    if (end.kind === "refused") this.#observer.sessionRefused?.(agent, end.code);
    const line = `session ended: ${reason ?? end.kind}`;
    const code = "error" in end ? { code: end.error.code } : {};
    if (end.kind === "failed" || end.kind === "refused")
      this.#logger.warn({ agent, transport, ...code }, line);
    else this.#logger.info({ agent, transport, end: end.kind, ...code }, line);
  }
}
