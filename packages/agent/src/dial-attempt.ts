import { HawserError } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import type { AgentSession } from "@hawser/session";
import type { Connection, Dialer } from "@hawser/transport";

interface DialOutcome {
  /** What the session begins from is looked up for each connection. */
  session(): Promise<AgentSession>;
  connected(connection: Connection, session: AgentSession): void;
  failed(error: HawserError): void;
  /** It was given up, and nothing of it is left. */
  abandoned(): void;
}

/** One try to connect. It has exactly one outcome, however the dialer behaves. */
export class DialAttempt {
  readonly #abort = new AbortController();

  constructor(dialer: Dialer, outcome: DialOutcome) {
    void this.#run(dialer, outcome);
  }

  abandon(): void {
    this.#abort.abort();
  }

  async #run(dialer: Dialer, outcome: DialOutcome): Promise<void> {
    const { signal } = this.#abort;
    let connection: Connection;
    try {
      // A dialer that throws at once reports later, when the caller is ready for it.
      connection = await (async () => dialer.dial({ signal }))();
    } catch (thrown) {
      if (signal.aborted) outcome.abandoned();
      else outcome.failed(HawserError.from(thrown, "connection_failed"));
      return;
    }
    try {
      const session = signal.aborted ? undefined : await outcome.session();
      if (session !== undefined && !signal.aborted) {
        outcome.connected(connection, session);
        return;
      }
    } catch (thrown) {
      const error = HawserError.from(thrown);
      this.#cut(connection, error);
      outcome.failed(error);
      return;
    }
    // It was open already when the dial was given up; nothing has been said on it.
    guarded(
      () => connection.open({ message: () => {}, writable: () => {}, ended: () => {} }),
      () => {},
    );
    this.#cut(connection, new HawserError("aborted", "the agent does not want this connection any more"));
    outcome.abandoned();
  }

  // It may be half made: what it throws here says nothing that the error does not.
  #cut(connection: Connection, error: HawserError): void {
    guarded(
      () => connection.terminate(error),
      () => {},
    );
  }
}
