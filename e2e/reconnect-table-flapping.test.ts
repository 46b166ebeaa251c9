import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CLOSE_CODES, type ErrorCode } from "@hawser/protocol";
import { failureMs, REFUSED_MS, WIRES, type Wire } from "./support/reconnect/reconnect-case.js";
import { Stage } from "./support/reconnect/stage.js";

/** A session that lived so long proves that things are well again. */
const STABLE_MS = 60_000;

async function startOn(wire: Wire): Promise<Stage> {
  const stage = await Stage.set(wire);
  await stage.agent.start();
  return stage;
}

/** Lets one session live and closes it; answers how long the agent then stayed away. */
async function closeAfter(stage: Stage, livedMs: number, code: number): Promise<number> {
  const call = await stage.session(livedMs);
  call.close(code, "");
  return stage.redial(await stage.waiting());
}

describe.each(WIRES)("over %s", (wire) => {
  it("clean ends that follow each other in seconds back off further and further", async () => {
    const stage = await startOn(wire);
    const waits: number[] = [];
    for (const livedMs of [0, 4_999, 1_000, 100, 4_999])
      waits.push(await closeAfter(stage, livedMs, CLOSE_CODES.normal));
    expect(waits).toEqual([1, 2, 3, 4, 5].map(failureMs));
    // Five seconds are enough to come back at once, but not to forget.
    expect(await closeAfter(stage, 5_000, CLOSE_CODES.goingAway)).toBe(0);
    expect(await closeAfter(stage, 4_999, CLOSE_CODES.goingAway)).toBe(failureMs(6));
  });

  it("failures are forgotten after a session of a minute, and not before", async () => {
    const stage = await startOn(wire);
    const fail = (livedMs: number): Promise<number> => closeAfter(stage, livedMs, CLOSE_CODES.internalError);
    expect(await fail(0)).toBe(failureMs(1));
    expect(await fail(STABLE_MS - 1)).toBe(failureMs(2));
    expect(await fail(STABLE_MS)).toBe(failureMs(1));
    expect(await fail(0)).toBe(failureMs(2));
  });

  it("a slot neither adds to the failures nor forgets them", async () => {
    const stage = await startOn(wire);
    const fail = (): Promise<number> => closeAfter(stage, 1_000, CLOSE_CODES.internalError);
    expect(await fail()).toBe(failureMs(1));
    for (const askedMs of [7_000, 8_000, 9_000]) {
      const call = await stage.call();
      call.say({ type: "refuse", code: "overloaded", message: "full", retry_after_ms: askedMs });
      call.close(CLOSE_CODES.tryAgainLater, "full");
      expect(await stage.redial(await stage.waiting())).toBeCloseTo(askedMs, 6);
    }
    expect(await fail()).toBe(failureMs(2));
  });

  it("where nobody listens, up to two minutes", async () => {
    const stage = await Stage.set(wire);
    await stage.principal.stop();
    await stage.agent.start();
    for (let failure = 1; failure <= 11; failure += 1) {
      const wait = await stage.waiting();
      expect(wait.line).toMatchObject({ level: "warn", code: "connection_failed" });
      expect(wait.line.msg).toContain("ECONNREFUSED");
      expect(await stage.redial(wait)).toBeCloseTo(failure < 9 ? failureMs(failure) : 60_125, 6);
    }
  });

  it("where nobody answers, after ten seconds each", async () => {
    let taken = 0;
    const silent = createServer(() => (taken += 1));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    onTestFinished(() => void silent.close());
    const stage = await Stage.set(wire, { port: (silent.address() as AddressInfo).port });
    await stage.agent.start();
    for (const failure of [1, 2]) {
      await stage.time.until("the dial is taken", () => taken >= failure || undefined);
      await stage.time.advance(10_000 - 1);
      expect(stage.agent.state.kind).toBe("connecting");
      await stage.time.advance(1);
      const wait = await stage.waiting();
      expect(wait.line).toMatchObject({ level: "warn", code: "timeout" });
      expect(await stage.redial(wait)).toBeCloseTo(failureMs(failure), 6);
    }
  });

  const refuse = async (stage: Stage, code: ErrorCode): Promise<void> => {
    const call = await stage.call();
    call.say({ type: "refuse", code, message: "not you" });
    call.close(CLOSE_CODES.forbidden, "not you");
  };

  it.each(["unauthenticated", "forbidden", "invalid_agent_name"] as const)(
    "new credentials end the wait after %s at once",
    async (code) => {
      const stage = await startOn(wire);
      await refuse(stage, code);
      const wait = await stage.waiting();
      await stage.time.advance(1_234);
      expect(stage.agent.credentialsChanged()).toBe(true);
      expect(await stage.redial(wait)).toBe(1_234);
      await stage.arrival();
    },
  );

  it("new credentials change nothing about a version that is not spoken", async () => {
    const stage = await startOn(wire);
    await refuse(stage, "unsupported_version");
    const wait = await stage.waiting();
    expect(stage.agent.credentialsChanged()).toBe(false);
    expect(await stage.redial(wait)).toBe(REFUSED_MS);
  });
});
