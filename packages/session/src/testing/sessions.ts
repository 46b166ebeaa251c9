import { HawserError } from "@hawser/protocol";
import { seededRandom, type Random } from "@hawser/runtime";
import { AgentSession } from "../agent-session.js";
import type { AgentSessionState } from "../agent-session-state.js";
import { PrincipalSession } from "../principal-session.js";
import type { PrincipalSessionState } from "../principal-session-state.js";
import type { TransportEnd } from "../session-end.js";
import type { SessionOutput } from "../session-output.js";
import type { SessionTiming } from "../session-timing.js";
import { HELLO, MESSAGES, WELCOME } from "./messages.js";

/** Every draw is this one: bounds can then be tested at the bound. */
export function constantRandom(value: number): Random {
  return { next: () => value, uuid: () => "00000000-0000-4000-8000-000000000000" };
}

export const CLEAN: TransportEnd & { kind: "closed" } = {
  kind: "closed",
  clean: true,
  code: 1000,
  reason: "",
  by: "peer",
};
export const LOST: TransportEnd = {
  kind: "lost",
  error: new HawserError("connection_closed", "connection reset"),
};

export function agentSession(timing: Partial<SessionTiming> = {}, random: Random = seededRandom(1)) {
  return new AgentSession({
    agent: "edge-7",
    store: "agent-store",
    window: 64,
    software: "test-agent/1",
    random,
    timing,
  });
}

export function principalSession(timing: Partial<SessionTiming> = {}, random: Random = seededRandom(2)) {
  return new PrincipalSession({
    store: "principal-store",
    window: 128,
    software: "test-principal/1",
    random,
    timing,
  });
}

export const ACCEPTANCE = { sessionId: "s-1", epoch: 3, settled: 9 };

/** One way into each state of an agent, all at time 0. */
const AGENT_STEPS: {
  readonly [Kind in AgentSessionState["kind"]]: (agent: AgentSession) => unknown;
} = {
  new: () => undefined,
  greeting: (agent) => agent.start(0, 5),
  refused: (agent) => [AGENT_STEPS.greeting(agent), agent.receive(MESSAGES.refuse, 0)],
  open: (agent) => [AGENT_STEPS.greeting(agent), agent.receive(WELCOME, 0)],
  leaving: (agent) => [AGENT_STEPS.open(agent), agent.goodbye("rotation", 0)],
  finishing: (agent) => [AGENT_STEPS.leaving(agent), agent.receive(MESSAGES.goodbye_ack, 0)],
  closing: (agent) => [AGENT_STEPS.finishing(agent), agent.idle(0)],
  terminated: (agent) => [AGENT_STEPS.open(agent), agent.wake(1_000_000, 0)],
  ended: (agent) => [AGENT_STEPS.closing(agent), agent.transportEnded(CLEAN, 0)],
};

const PRINCIPAL_STEPS: {
  readonly [Kind in PrincipalSessionState["kind"]]: (principal: PrincipalSession) => unknown;
} = {
  new: () => undefined,
  awaitingHello: (principal) => principal.start(0),
  authenticating: (principal) => principal.receive(HELLO, 0),
  open: (principal) => [PRINCIPAL_STEPS.authenticating(principal), principal.accept(ACCEPTANCE, 0)],
  draining: (principal) => [PRINCIPAL_STEPS.open(principal), principal.drain(DRAIN_ORDER, 0)],
  parting: (principal) => [PRINCIPAL_STEPS.open(principal), principal.receive(MESSAGES.goodbye, 0)],
  closing: (principal) => [PRINCIPAL_STEPS.open(principal), principal.superseded(0)],
  terminated: (principal) => [PRINCIPAL_STEPS.open(principal), principal.wake(1_000_000, 0)],
  ended: (principal) => [PRINCIPAL_STEPS.parting(principal), principal.transportEnded(CLEAN, 0)],
};

export const DRAIN_ORDER = { windowMs: 30_000, slotMs: 7_000, reason: "restart" };

function kindsOf<Kind extends string>(steps: { readonly [K in Kind]: unknown }): readonly Kind[] {
  return Object.keys(steps).filter((kind): kind is Kind => kind in steps);
}

export const AGENT_STATES = kindsOf(AGENT_STEPS);
export const PRINCIPAL_STATES = kindsOf(PRINCIPAL_STEPS);

export function agentIn(kind: AgentSessionState["kind"], timing: Partial<SessionTiming> = {}): AgentSession {
  const agent = agentSession(timing);
  AGENT_STEPS[kind](agent);
  if (agent.state.kind !== kind) throw new Error(`the way into ${kind} leads to ${agent.state.kind}`);
  return agent;
}

export function principalIn(
  kind: PrincipalSessionState["kind"],
  timing: Partial<SessionTiming> = {},
): PrincipalSession {
  const principal = principalSession(timing);
  PRINCIPAL_STEPS[kind](principal);
  if (principal.state.kind !== kind) throw new Error(`the way into ${kind} leads to ${principal.state.kind}`);
  return principal;
}

/** What one output says in one word, such as `send goodbye` or `close 1000`. */
export function brief(outputs: readonly SessionOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.kind) {
      case "send":
        return `send ${output.message.type}`;
      case "close":
        return `close ${output.code}`;
      case "terminate":
        return `terminate ${output.error.code}`;
      case "ended":
        return `ended ${output.end.kind}`;
      case "settled":
        return `settled ${output.version}`;
      case "authenticate":
      case "opened":
      case "quiesce":
        return output.kind;
    }
  });
}
