import { checkAgentName, encodeControl, HawserError, parseMessage, type CloudEvent } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import { AgentSession, type SessionOutput } from "@hawser/session";
import type { Connection, Dialer } from "@hawser/transport";

/** The name under which a principal logs in to itself. Only its internal port takes it, and it is no agent to anybody else. */
export const SELF_AGENT = "hawser.self";

/** @throws HawserError `invalid_agent_name` for what is no agent's name, or the principal's own */
export function checkAddressee(agent: string): void {
  if (checkAgentName(agent) !== SELF_AGENT) return;
  throw new HawserError(
    "invalid_agent_name",
    `${SELF_AGENT} is the principal itself; nothing can be sent there`,
  );
}

/** How long one try may take. */
const SELF_LOGIN_TIMEOUT_MS = 5_000;

/**
 * Logs in as an agent would, over the internal port: dial, hello, welcome, goodbye. Whoever gets a welcome has seen transport, session and store work together.
 *
 * @throws HawserError with what went wrong
 */
export async function selfLogin(dialer: Dialer, runtime: Runtime, signal: AbortSignal): Promise<void> {
  const connection = await dialer.dial({ signal, timeoutMs: SELF_LOGIN_TIMEOUT_MS });
  const session = new AgentSession({
    agent: SELF_AGENT,
    store: runtime.random.uuid(),
    window: 1,
    software: "hawser-principal/self-login",
    random: runtime.random,
    timing: { handshakeTimeoutMs: SELF_LOGIN_TIMEOUT_MS, closeGraceMs: SELF_LOGIN_TIMEOUT_MS },
  });
  return new Promise((resolve, reject) => {
    const drive = new SelfLogin(connection, session, runtime, resolve, reject);
    signal.addEventListener("abort", () => drive.giveUp(), { once: true });
    drive.begin();
  });
}

class SelfLogin {
  readonly #connection: Connection;
  readonly #session: AgentSession;
  readonly #runtime: Runtime;
  readonly #resolve: () => void;
  readonly #reject: (error: HawserError) => void;
  #deadline: Timer | undefined;
  #messages = 0;
  #welcomed = false;

  constructor(
    connection: Connection,
    session: AgentSession,
    runtime: Runtime,
    resolve: () => void,
    reject: (error: HawserError) => void,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#runtime = runtime;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    this.#connection.open({
      message: (event) => this.#message(event),
      writable: () => {},
      ended: (end) => this.#perform(this.#session.transportEnded(end, this.#now())),
    });
    this.#deadline = this.#runtime.timers.after(2 * SELF_LOGIN_TIMEOUT_MS, () => this.giveUp());
    this.#perform(this.#session.start(this.#now(), 0));
  }

  giveUp(): void {
    this.#connection.terminate(new HawserError("aborted", "the self-login was given up"));
  }

  #message(event: CloudEvent): void {
    const parsed = parseMessage(event);
    if (parsed.kind === "control") this.#perform(this.#session.receive(parsed.message, this.#now()));
    this.#perform(this.#session.idle(this.#now()));
  }

  #perform(outputs: readonly SessionOutput[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          this.#messages += 1;
          this.#connection.send(
            encodeControl(output.message, { id: String(this.#messages), source: `hawser/${SELF_AGENT}` }),
          );
          break;
        case "opened":
          this.#welcomed = true;
          this.#perform(this.#session.goodbye("stopping", this.#now()));
          break;
        case "close":
          this.#connection.close(output.code, output.reason);
          break;
        case "terminate":
          this.#connection.terminate(output.error);
          break;
        case "ended":
          this.#deadline?.cancel();
          if (this.#welcomed) this.#resolve();
          else if ("error" in output.end) this.#reject(output.end.error);
          else this.#reject(new HawserError("connection_closed", "the connection ended before the welcome"));
          break;
        case "authenticate":
        case "quiesce":
        case "settled":
          break;
      }
    }
  }

  #now(): number {
    return this.#runtime.clock.now();
  }
}
