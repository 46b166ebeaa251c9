import { SessionDriver, type SessionDriverOptions, type SessionOwner } from "@hawser/link";
import { checkAgentName, HawserError, parseMessage, type CloudEvent } from "@hawser/protocol";
import type { Clock, Runtime } from "@hawser/runtime";
import { AgentSession, type SessionEnd } from "@hawser/session";
import type { Dialer } from "@hawser/transport";

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
  const giveUp = (): void => connection.terminate(new HawserError("aborted", "the self-login was given up"));
  const deadline = runtime.timers.after(2 * SELF_LOGIN_TIMEOUT_MS, giveUp);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const source = `hawser/${SELF_AGENT}`;
      const login = new SelfLogin({ runtime, connection, session, source }, resolve, reject);
      login.start();
    });
  } finally {
    deadline.cancel();
    signal.removeEventListener("abort", giveUp);
  }
}

/** A session without a mailbox, that leaves as soon as it is welcomed. */
class SelfLogin implements SessionOwner {
  readonly #driver: SessionDriver<AgentSession>;
  readonly #clock: Clock;
  readonly #resolve: () => void;
  readonly #reject: (error: HawserError) => void;

  constructor(
    options: SessionDriverOptions<AgentSession>,
    resolve: () => void,
    reject: (error: HawserError) => void,
  ) {
    this.#driver = new SessionDriver(options, this);
    this.#clock = options.runtime.clock;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    this.#driver.start();
  }

  message(event: CloudEvent): void {
    const parsed = parseMessage(event);
    if (parsed.kind === "control")
      this.#driver.perform(this.#driver.session.receive(parsed.message, this.#clock.now()));
  }

  async opened(): Promise<void> {
    this.#driver.perform(this.#driver.session.goodbye("stopping", this.#clock.now()));
  }

  flush(): undefined {
    const outputs = this.#driver.session.idle(this.#clock.now());
    if (outputs.length > 0) this.#driver.perform(outputs);
  }

  async ended(end: SessionEnd): Promise<void> {
    if (end.openedAtMs !== undefined) this.#resolve();
    else if ("error" in end) this.#reject(end.error);
    else this.#reject(new HawserError("connection_closed", "the connection ended before the welcome"));
  }
}
