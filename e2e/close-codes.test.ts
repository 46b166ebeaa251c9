import { errorCodeForClose, isCleanClose } from "@hawser/protocol";
import { describe, expect, it } from "vitest";
import { tableOf } from "./support/protocol-tables.js";
import { AGENT_CASES } from "./support/reconnect/agent-cases.js";
import { TestPrincipal } from "./support/reconnect/test-principal.js";
import { PRINCIPAL_CASES } from "./support/reconnect/principal-cases.js";
import { WIRES, type Wire } from "./support/reconnect/reconnect-case.js";
import { THROWERS } from "./support/reconnect/throwers.js";

// Every close code, over both transports, from each side that sends it, as it is on the wire; and what each side makes of every code it is told.

const TABLE = tableOf("Close codes");

/** How a side of ours ends a connection with a code: it says it; it cuts, because who does not read or answer would not hear it; or it has no reason to. */
type Way = "says" | "cuts" | "never";

/** What is held against the tests below, and against PROTOCOL.md. Where one wire cannot, the other is named. */
const SENDERS: Readonly<
  Record<string, { readonly principal: Way; readonly agent: Way; readonly only?: Wire }>
> = {
  1000: { principal: "says", agent: "says" },
  1001: { principal: "says", agent: "never" },
  1002: { principal: "says", agent: "says" },
  1003: { principal: "says", agent: "says", only: "WebSocket" },
  1007: { principal: "says", agent: "says" },
  1008: { principal: "says", agent: "says", only: "WebSocket" },
  1009: { principal: "says", agent: "says" },
  1011: { principal: "says", agent: "says" },
  1012: { principal: "says", agent: "never" },
  1013: { principal: "says", agent: "never" },
  4000: { principal: "says", agent: "says" },
  4001: { principal: "cuts", agent: "cuts" },
  4002: { principal: "says", agent: "never" },
  4003: { principal: "says", agent: "never" },
  4004: { principal: "says", agent: "never" },
  4005: { principal: "says", agent: "never" },
  4006: { principal: "says", agent: "says" },
  4007: { principal: "cuts", agent: "cuts" },
  4008: { principal: "says", agent: "says" },
  4009: { principal: "says", agent: "says" },
  4010: { principal: "says", agent: "says" },
  4011: { principal: "says", agent: "never" },
};

const CODES = TABLE.map(([code]) => Number(code));
const cells = CODES.flatMap((code) => WIRES.map((wire) => ({ code, wire })));
const isOn = ({ on }: { readonly on?: Wire }, wire: Wire): boolean => on === undefined || on === wire;

/** The line in which a side of ours is the first to speak of the end. */
const ownWord = (lines: readonly string[]): string | undefined => {
  const [first] = lines.filter((line) => !line.includes("GOAWAY"));
  return first?.startsWith("agent: close") === true ? first : undefined;
};

/** The tests there are of how a side of ours ends a connection with this code. They are played in reconnect-table*.test.ts. */
const PLAYED = {
  principal: (code: number, wire: Wire): readonly Way[] => [
    ...PRINCIPAL_CASES.filter((one) => one.code === code && isOn(one, wire)).map(
      ({ cuts }): Way => (cuts === true ? "cuts" : "says"),
    ),
    ...THROWERS.filter(({ closes }) => closes.code === code).map((): Way => "says"),
  ],
  agent: (code: number, wire: Wire): readonly Way[] => [
    ...AGENT_CASES.filter((one) => isOn(one, wire)).flatMap((one): Way[] => {
      const lines = one.wire[wire];
      if (ownWord(lines)?.includes(` ${code} "`) === true) return ["says"];
      const isCut = lines.every((line) => !/close|status|principal/.test(line)) && one.answer === undefined;
      return isCut && one.next.code === errorCodeForClose(code) ? ["cuts"] : [];
    }),
    ...THROWERS.filter(({ closes }) => closes.code === code).map((): Way => "says"),
  ],
} as const;

describe("every close code has a test", () => {
  it("and a line in the list of who says it", () => {
    expect(new Set(Object.keys(SENDERS).map(Number))).toEqual(new Set(CODES));
  });

  for (const side of ["principal", "agent"] as const)
    it.each(cells)(`$code, by the ${side}, over $wire`, ({ code, wire }) => {
      const { only, ...sides } = SENDERS[code] ?? { principal: "never", agent: "never" };
      const way = only === undefined || only === wire ? sides[side] : "never";
      // What is never said has no test, and what has a test is said.
      expect([...new Set(PLAYED[side](code, wire))]).toEqual(way === "never" ? [] : [way]);
    });

  it.each(cells)("$code, told to the agent over $wire", ({ code, wire }) => {
    const told = AGENT_CASES.filter((one) => isOn(one, wire)).filter(
      ({ wire: lines }) =>
        lines[wire][0]?.startsWith("principal: ") === true && lines[wire][0].includes(` ${code} "`),
    );
    expect(told).not.toEqual([]);
  });
});

describe("a principal that is told a code", () => {
  it.each(cells)("$code over $wire answers it, and lets the session go", async ({ code, wire }) => {
    const subject = new TestPrincipal(wire);
    const principal = await subject.open();
    const agent = await subject.session();
    agent.close(code, "why");
    const end = await subject.settled("the answer", agent.wire.ended);
    expect(end).toEqual({ code, reason: "why" });
    const line = await subject.time.until("it is logged", () =>
      subject.time.log.find(({ msg }) => msg.startsWith("session ended")),
    );
    expect((await principal.agent(agent.name))?.state).not.toBe("connected");
    if (isCleanClose(code)) expect(line).toMatchObject({ level: "info", end: "clean" });
    else expect(line).toMatchObject({ code: errorCodeForClose(code) });
    // Nothing is left of it that could stand in the way.
    await subject.session(agent.name);
  });
});
