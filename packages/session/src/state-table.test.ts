import { describe, expect, it } from "vitest";
import { MESSAGES } from "./testing/messages.js";
import { AGENT_STATES, agentIn, brief, PRINCIPAL_STATES, principalIn } from "./testing/sessions.js";

/**
 * What every message does in every state: `-` nothing leaves the state, `x` closes with 1002, a name is the state it leads to. `closing` and later ignore
 * what still arrives.
 */
const AGENT_TABLE = `
              hello welcome refuse  heartbeat ack nack goodbye goodbye_ack  drain    event
  new         x     x       x       x         x   x    x       x         x        x
  greeting    x     open    refused x         x   x    x       x         x        x
  refused     x     x       x       x         x   x    x       x         x        x
  open        x     x       x       -         -   -    x       x         leaving  -
  leaving     x     x       x       -         -   -    x       finishing -        -
  finishing   x     x       x       -         -   -    x       x         -        x
  closing     -     -       -       -         -   -    -       -         -        -
  terminated  -     -       -       -         -   -    -       -         -        -
  ended       -     -       -       -         -   -    -       -         -        -
`;

const PRINCIPAL_TABLE = `
                  hello           welcome refuse heartbeat ack nack goodbye  goodbye_ack drain event
  new             authenticating  x       x      x         x   x    x        x        x     x
  awaitingHello   authenticating  x       x      x         x   x    x        x        x     x
  authenticating  x               x       x      x         x   x    x        x        x     x
  open            x               x       x      -         -   -    parting  x        x     -
  draining        x               x       x      -         -   -    parting  x        x     -
  parting         x               x       x      -         -   -    x        x        x     x
  closing         -               -       -      -         -   -    -        -        -     -
  terminated      -               -       -      -         -   -    -        -        -     -
  ended           -               -       -      -         -   -    -        -        -     -
`;

type Received = keyof typeof MESSAGES | "event";

function isReceived(name: string): name is Received {
  return name === "event" || name in MESSAGES;
}

function parse(table: string): { state: string; received: Received; expected: string }[] {
  const [head, ...rows] = table.trim().split("\n");
  const received = (head ?? "").trim().split(/\s+/).filter(isReceived);
  return rows.flatMap((row) => {
    const [state = "", ...cells] = row.trim().split(/\s+/);
    return received.map((name, index) => ({ state, received: name, expected: cells[index] ?? "" }));
  });
}

type Machine = ReturnType<typeof agentIn> | ReturnType<typeof principalIn>;

function outcome(session: Machine, received: Received): string {
  const before = session.state.kind;
  const outputs = received === "event" ? session.eventReceived(1) : session.receive(MESSAGES[received], 1);
  const after = session.state.kind;
  if (before === after) return outputs.some((output) => output.kind === "close") ? "close in place" : "-";
  if (after !== "closing") return after;
  return brief(outputs).join() === "close 1002" ? "x" : brief(outputs).join();
}

describe("every message in every state of an agent", () => {
  const cells = parse(AGENT_TABLE);

  it("covers all of them", () => {
    expect(new Set(cells.map(({ state }) => state))).toEqual(new Set(AGENT_STATES));
    expect(cells).toHaveLength(AGENT_STATES.length * (Object.keys(MESSAGES).length + 1));
  });

  for (const state of AGENT_STATES)
    it(`${state}`, () => {
      const row = cells.filter((cell) => cell.state === state);
      const actual = row.map(({ received }) => `${received}: ${outcome(agentIn(state), received)}`);
      expect(actual).toEqual(row.map(({ received, expected }) => `${received}: ${expected}`));
    });
});

describe("every message in every state of a principal", () => {
  const cells = parse(PRINCIPAL_TABLE);

  it("covers all of them", () => {
    expect(new Set(cells.map(({ state }) => state))).toEqual(new Set(PRINCIPAL_STATES));
    expect(cells).toHaveLength(PRINCIPAL_STATES.length * (Object.keys(MESSAGES).length + 1));
  });

  for (const state of PRINCIPAL_STATES)
    it(`${state}`, () => {
      const row = cells.filter((cell) => cell.state === state);
      const actual = row.map(({ received }) => `${received}: ${outcome(principalIn(state), received)}`);
      expect(actual).toEqual(row.map(({ received, expected }) => `${received}: ${expected}`));
    });
});

describe("a message that is not allowed", () => {
  it("closes with a reason that names it and the state", () => {
    expect(agentIn("open").receive(MESSAGES.goodbye_ack, 1)).toEqual([
      { kind: "close", code: 1002, reason: "goodbye_ack is not allowed while the session is open" },
    ]);
    expect(principalIn("parting").eventReceived(1)).toEqual([
      { kind: "close", code: 1002, reason: "an event is not allowed while the session is parting" },
    ]);
  });

  it("does not undo a refusal that was heard", () => {
    const agent = agentIn("refused");
    agent.receive(MESSAGES.heartbeat, 1);
    const [ended] = agent.transportEnded(
      { kind: "closed", clean: false, code: 1002, reason: "", by: "local" },
      2,
    );
    expect(ended).toMatchObject({ kind: "ended", end: { kind: "retryAfter", ms: 4_000 } });
  });
});
