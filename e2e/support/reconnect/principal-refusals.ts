import { CLOSE_CODES, HawserError, type CloseCode } from "@hawser/protocol";
import { expect } from "vitest";
import { turnedAway } from "./test-principal.js";
import type { PrincipalCase } from "./principal-ends.js";

function refusal(code: "unauthenticated" | "forbidden", closeCode: CloseCode): PrincipalCase {
  return {
    row: "refused",
    name: `refuse ${code}, then the close`,
    code: closeCode,
    run: async (subject) => {
      await subject.open({ authenticate: () => ({ ok: false, error: new HawserError(code, "not you") }) });
      const agent = await subject.call();
      agent.hello();
      expect(await subject.heard(agent, "refuse")).toEqual({ type: "refuse", code, message: "not you" });
      await subject.isClosed(agent, closeCode, "not you");
    },
  };
}

/** Agents that are not let in. */
export const PRINCIPAL_REFUSALS: readonly PrincipalCase[] = [
  {
    row: "slot",
    name: "who comes while it drains: refuse draining, 1012",
    code: CLOSE_CODES.serviceRestart,
    run: async (subject) => {
      const principal = await subject.open();
      const held = await subject.session("held");
      void principal.drain({ reason: "deploy", windowMs: 60_000, graceMs: 60_000 });
      await subject.heard(held, "drain");
      const agent = await subject.call();
      agent.hello();
      const refuse = await subject.heard(agent, "refuse");
      expect(refuse).toMatchObject({ code: "draining", retry_after_ms: expect.any(Number) as number });
      await subject.isClosed(agent, CLOSE_CODES.serviceRestart, "deploy");
    },
  },
  {
    row: "slot",
    name: "one session too many: refuse overloaded, 1013",
    code: CLOSE_CODES.tryAgainLater,
    run: async (subject) => {
      await subject.open({ maxSessions: 1 });
      await subject.session("first");
      const agent = await subject.call();
      agent.hello();
      const refuse = await subject.heard(agent, "refuse");
      expect(refuse).toMatchObject({ code: "overloaded", retry_after_ms: expect.any(Number) as number });
      await subject.isClosed(agent, CLOSE_CODES.tryAgainLater, "holds 1 sessions");
    },
  },
  {
    row: "slot",
    name: "one connection too many: answered before there is a stream, with a slot",
    run: async (subject) => {
      const headers = await turnedAway(subject);
      const slot = headers[subject.wire === "gRPC" ? "grpc-retry-pushback-ms" : "hawser-retry-after-ms"];
      // One connection in ten seconds: the second has its turn in ten.
      expect(Number(slot)).toBeGreaterThan(9_000);
      expect(Number(slot)).toBeLessThanOrEqual(20_000);
    },
  },
  {
    row: "everybody",
    name: "the same answer has a time for those who know no slots, where HTTP has one",
    run: async (subject) => {
      const headers = await turnedAway(subject);
      if (subject.wire === "gRPC") return expect(headers).toMatchObject({ "grpc-status": "14" });
      const slotMs = Number(headers["hawser-retry-after-ms"]);
      return expect(headers["retry-after"]).toBe(String(Math.ceil(slotMs / 1_000)));
    },
  },
  refusal("unauthenticated", CLOSE_CODES.unauthenticated),
  refusal("forbidden", CLOSE_CODES.forbidden),
  {
    row: "refused",
    name: "a name that is none: refuse invalid_agent_name, 4004",
    code: CLOSE_CODES.forbidden,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.call("-");
      agent.hello();
      expect(await subject.heard(agent, "refuse")).toMatchObject({ code: "invalid_agent_name" });
      await subject.isClosed(agent, CLOSE_CODES.forbidden, "");
    },
  },
  {
    row: "refused",
    name: "a version nobody speaks: refuse unsupported_version, 4005",
    code: CLOSE_CODES.unsupportedVersion,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.call();
      agent.hello({ protocol_versions: ["99"] });
      expect(await subject.heard(agent, "refuse")).toMatchObject({ code: "unsupported_version" });
      await subject.isClosed(agent, CLOSE_CODES.unsupportedVersion, "99");
    },
  },
];
