import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CLOSE_CODES, type ErrorCode } from "@hawser/protocol";
import { failureMs, REFUSED_MS, WIRES, type Wire } from "./support/reconnect/reconnect-case.js";
import { TestAgent } from "./support/reconnect/test-agent.js";

/** A session that lived so long proves that things are well again. */
const STABLE_MS = 60_000;

async function startOn(wire: Wire): Promise<TestAgent> {
  const subject = await TestAgent.start(wire);
  await subject.agent.start();
  return subject;
}

/** Lets one session live and closes it; answers how long the agent then stayed away. */
async function closeAfter(subject: TestAgent, livedMs: number, code: number): Promise<number> {
  const call = await subject.session(livedMs);
  call.close(code, "");
  return subject.redial(await subject.waiting());
}

describe.each(WIRES)("over %s", (wire) => {
  it("clean ends that follow each other in seconds back off further and further", async () => {
    const subject = await startOn(wire);
    const waits: number[] = [];
    for (const livedMs of [0, 4_999, 1_000, 100, 4_999])
      waits.push(await closeAfter(subject, livedMs, CLOSE_CODES.normal));
    expect(waits).toEqual([1, 2, 3, 4, 5].map(failureMs));
    // Five seconds are enough to come back at once, but not to forget.
    expect(await closeAfter(subject, 5_000, CLOSE_CODES.goingAway)).toBe(0);
    expect(await closeAfter(subject, 4_999, CLOSE_CODES.goingAway)).toBe(failureMs(6));
  });

  it("failures are forgotten after a session of a minute, and not before", async () => {
    const subject = await startOn(wire);
    const fail = (livedMs: number): Promise<number> =>
      closeAfter(subject, livedMs, CLOSE_CODES.internalError);
    expect(await fail(0)).toBe(failureMs(1));
    expect(await fail(STABLE_MS - 1)).toBe(failureMs(2));
    expect(await fail(STABLE_MS)).toBe(failureMs(1));
    expect(await fail(0)).toBe(failureMs(2));
  });

  it("a slot neither adds to the failures nor forgets them", async () => {
    const subject = await startOn(wire);
    const fail = (): Promise<number> => closeAfter(subject, 1_000, CLOSE_CODES.internalError);
    expect(await fail()).toBe(failureMs(1));
    for (const askedMs of [7_000, 8_000, 9_000]) {
      const call = await subject.call();
      call.say({ type: "refuse", code: "overloaded", message: "full", retry_after_ms: askedMs });
      call.close(CLOSE_CODES.tryAgainLater, "full");
      expect(await subject.redial(await subject.waiting())).toBeCloseTo(askedMs, 6);
    }
    expect(await fail()).toBe(failureMs(2));
  });

  it("where nobody listens, up to two minutes", async () => {
    const subject = await TestAgent.start(wire);
    await subject.principal.stop();
    await subject.agent.start();
    for (let failure = 1; failure <= 11; failure += 1) {
      const wait = await subject.waiting();
      expect(wait.line).toMatchObject({ level: "warn", code: "connection_failed" });
      expect(wait.line.msg).toContain("ECONNREFUSED");
      expect(await subject.redial(wait)).toBeCloseTo(failure < 9 ? failureMs(failure) : 60_125, 6);
    }
  });

  it("where nobody answers, after ten seconds each", async () => {
    let taken = 0;
    const silent = createServer(() => (taken += 1));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const subject = await TestAgent.start(wire, { port: (silent.address() as AddressInfo).port });
    await subject.agent.start();
    for (const failure of [1, 2]) {
      await subject.time.until("the dial is taken", () => taken >= failure || undefined);
      await subject.time.advance(10_000 - 1);
      expect(subject.agent.state.kind).toBe("connecting");
      await subject.time.advance(1);
      const wait = await subject.waiting();
      expect(wait.line).toMatchObject({ level: "warn", code: "timeout" });
      expect(await subject.redial(wait)).toBeCloseTo(failureMs(failure), 6);
    }
  });

  const refuse = async (subject: TestAgent, code: ErrorCode): Promise<void> => {
    const call = await subject.call();
    call.say({ type: "refuse", code, message: "not you" });
    call.close(CLOSE_CODES.forbidden, "not you");
  };

  it.each(["unauthenticated", "forbidden", "invalid_agent_name"] as const)(
    "new credentials end the wait after %s at once",
    async (code) => {
      const subject = await startOn(wire);
      await refuse(subject, code);
      const wait = await subject.waiting();
      await subject.time.advance(1_234);
      expect(subject.agent.credentialsChanged()).toBe(true);
      expect(await subject.redial(wait)).toBe(1_234);
      await subject.arrival();
    },
  );

  it("new credentials change nothing about a version that is not spoken", async () => {
    const subject = await startOn(wire);
    await refuse(subject, "unsupported_version");
    const wait = await subject.waiting();
    expect(subject.agent.credentialsChanged()).toBe(false);
    expect(await subject.redial(wait)).toBe(REFUSED_MS);
  });
});
