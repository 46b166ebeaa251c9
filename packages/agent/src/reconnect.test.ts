import { CLOSE_CODES, HawserError } from "@hawser/protocol";
import { DEFAULT_RECONNECT_TIMING, type SessionEnd } from "@hawser/session";
import { beforeEach, describe, expect, it } from "vitest";
import { scriptPrincipal } from "./testing/scripted-principal.js";
import { waits, World } from "./testing/world.js";

const { backoffMinMs, backoffMaxMs, refusedFirstMs, shortSessionMs, stableAfterMs } =
  DEFAULT_RECONNECT_TIMING;

let world: World;

beforeEach(() => {
  world = new World(11);
});

/** Lets an agent run against a principal that is not there, until it has waited `count` times. */
async function waitedTimes(one: Awaited<ReturnType<World["agent"]>>, count: number): Promise<number[]> {
  await world.until(() => waits(one).length >= count, 3_600_000);
  return waits(one).map(({ delayMs }) => delayMs);
}

describe("an agent comes back", () => {
  it("with full jitter over an exponential when nobody answers", async () => {
    const one = await world.agent();
    await one.agent.start();
    const delays = await waitedTimes(one, 14);
    delays.forEach((delay, index) => {
      expect(delay).toBeGreaterThanOrEqual(backoffMinMs);
      expect(delay).toBeLessThanOrEqual(Math.min(backoffMaxMs, backoffMinMs * 2 ** (index + 1)));
    });
    expect(new Set(delays).size).toBe(delays.length);
    expect(world.log.find(({ level }) => level === "warn")?.msg).toContain("connection_failed");
  });

  it("at once after a rotation", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.connected(one);
    await world.virtual.advance(shortSessionMs);
    expect(one.agent.rotate()).toBe(true);
    await world.until(() => waits(one).length === 1);
    expect(waits(one)[0]).toMatchObject({ delayMs: 0, reason: "rotation", error: undefined });
    await world.connected(one);
  });

  it("by itself after 15 to 45 minutes, drawn anew each time", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.until(() => waits(one).length === 3, 4 * 3_600_000);
    const lives = one.states.flatMap(({ at, state }, index) => {
      const next = one.states[index + 1];
      return state.kind === "connected" && next !== undefined ? [next.at - at] : [];
    });
    for (const lived of lives) {
      expect(lived).toBeGreaterThanOrEqual(15 * 60_000);
      expect(lived).toBeLessThan(45 * 60_000 + 1_000);
    }
    expect(new Set(lives.map(Math.round)).size).toBe(3);
  });

  it("at once after a clean end, but backs off when clean ends follow each other in seconds", async () => {
    let livesMs = shortSessionMs + 1_000;
    scriptPrincipal(world, ({ welcome, connection }) => {
      welcome();
      world.virtual.runtime.timers.after(livesMs, () => connection.close(CLOSE_CODES.goingAway, "bye"));
    });
    const one = await world.agent();
    await one.agent.start();
    expect(await waitedTimes(one, 1)).toEqual([0]);
    livesMs = 100;
    const delays = (await waitedTimes(one, 9)).slice(2);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(backoffMinMs);
    expect(Math.max(...delays)).toBeGreaterThan(4 * backoffMinMs);
  });

  it("exactly at the slot it is told with a refusal", async () => {
    scriptPrincipal(world, ({ say, connection, welcome }, count) => {
      if (count > 1) return welcome();
      say({ type: "refuse", code: "overloaded", message: "full", retry_after_ms: 40_000 });
      connection.close(CLOSE_CODES.tryAgainLater, "full");
    });
    const one = await world.agent();
    await one.agent.start();
    expect(await waitedTimes(one, 1)).toEqual([40_000]);
    await world.connected(one);
  });

  it("after a while when its identity is refused, and says loudly what to do", async () => {
    await world.principal({
      authenticate: () => ({ ok: false, error: new HawserError("unauthenticated", "the token has expired") }),
    });
    const one = await world.agent();
    await one.agent.start();
    const [delay = 0] = await waitedTimes(one, 1);
    expect(delay).toBeGreaterThanOrEqual(refusedFirstMs / 2);
    expect(delay).toBeLessThanOrEqual(refusedFirstMs);
    const line = world.log.find(({ level, agent }) => level === "error" && agent === "one");
    expect(line).toMatchObject({ code: "unauthenticated" });
    expect(line?.msg).toContain("the token has expired");
    expect(line?.msg).toContain("Give this agent a credential");
  });

  it("at once when new credentials arrive", async () => {
    let valid = false;
    await world.principal({
      authenticate: () =>
        valid ? { ok: true } : { ok: false, error: new HawserError("unauthenticated", "who are you?") },
    });
    const one = await world.agent();
    await one.agent.start();
    await waitedTimes(one, 1);
    valid = true;
    expect(one.agent.credentialsChanged()).toBe(true);
    await world.connected(one, 1_000);
    expect(one.agent.credentialsChanged()).toBe(false);
  });

  it("not sooner for new credentials when they were not the reason", async () => {
    const one = await world.agent();
    await one.agent.start();
    await waitedTimes(one, 1);
    expect(one.agent.credentialsChanged()).toBe(false);
    expect(one.agent.state.kind).toBe("waiting");
  });

  it("after a while when no protocol version is in common", async () => {
    scriptPrincipal(world, ({ say, connection }) => {
      say({ type: "refuse", code: "unsupported_version", message: "speak 2" });
      connection.close(CLOSE_CODES.unsupportedVersion, "speak 2");
    });
    const one = await world.agent();
    await one.agent.start();
    const [delay = 0] = await waitedTimes(one, 1);
    expect(delay).toBeGreaterThanOrEqual(refusedFirstMs / 2);
    expect(
      world.log.some(({ level, msg }) => level === "error" && msg.includes("update the older one")),
    ).toBe(true);
  });

  it("with backoff after a connection was cut, and forgets failures only after a stable session", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    for (let cut = 1; cut <= 6; cut += 1) {
      await world.connected(one, 600_000);
      await world.virtual.advance(1_000);
      world.network.cut();
      await world.until(() => waits(one).length === cut);
      expect(waits(one).at(-1)?.reason).toContain(`failure ${cut} in a row`);
    }
    await world.connected(one, 600_000);
    await world.virtual.advance(stableAfterMs);
    world.network.cut();
    await world.until(() => waits(one).length === 7);
    expect(waits(one).at(-1)?.reason).toContain("failure 1 in a row");
  });

  it("with backoff when the heartbeats of the principal stay away", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.connected(one);
    const heal = world.network.partition();
    await world.until(() => one.agent.state.kind === "waiting", 180_000);
    expect(waits(one)[0]?.error?.code).toBe("heartbeat_timeout");
    heal();
    await world.connected(one, 300_000);
  });

  it("with backoff when the principal does not answer the hello", async () => {
    scriptPrincipal(world, () => {});
    const one = await world.agent();
    await one.agent.start();
    await waitedTimes(one, 1);
    expect(waits(one)[0]?.error?.code).toBe("handshake_timeout");
    expect(waits(one)[0]?.delayMs).toBeGreaterThanOrEqual(backoffMinMs);
  });

  it("with backoff and a loud log when another agent has its name", async () => {
    await world.principal();
    const one = await world.agent();
    const two = await world.agent();
    await one.agent.start();
    await world.connected(one);
    await two.agent.start();
    await world.until(() => waits(one).length === 1);
    expect(waits(one)[0]?.delayMs).toBeGreaterThanOrEqual(backoffMinMs);
    const line = world.log.find(({ level }) => level === "error");
    expect(line).toMatchObject({ code: "superseded", agent: "one" });
    expect(line?.msg).toContain("Two agents run under one name");
  });

  it("by the next of several dialers when one fails", async () => {
    await world.principal();
    const host = world.virtual.host("laptop");
    const nowhere = world.network.dialer({ from: host, to: "nowhere:1" });
    const somewhere = world.network.dialer({ from: host, to: "principal:443" });
    const one = await world.agent({ dialer: [nowhere, somewhere], runtime: host.runtime });
    await one.agent.start();
    await world.connected(one);
    expect(waits(one)).toHaveLength(1);
    await world.virtual.advance(shortSessionMs);
    one.agent.rotate();
    await world.until(() => waits(one).length === 2);
    await world.connected(one);
    expect(waits(one)).toHaveLength(2);
  });
});

describe("an agent that stops in the midst of a rotation", () => {
  it("cuts no connection, whatever the moment", async () => {
    const stoppedWhile = new Set<string>();
    for (let run = 0; run < 300; run += 1) {
      const ends: string[] = [];
      world = new World(1 + Math.floor(run / 30));
      await world.principal();
      const ended = ({ kind }: SessionEnd): void => void ends.push(kind);
      const one = await world.agent({ observer: { ended }, reconnect: { shortSessionMs: 1 } });
      await one.agent.start();
      await world.connected(one);
      one.agent.rotate();
      await world.virtual.advance(run % 30);
      const sessions = one.states.filter(({ state }) => state.kind === "connected").length;
      stoppedWhile.add(`${one.agent.state.kind} ${sessions}`);
      await world.settled(one.agent.stop(), 9_000);
      expect(one.agent.state.kind, `run ${run}`).toBe("stopped");
      expect(ends.length, `run ${run}`).toBeGreaterThan(0);
      expect(ends, `run ${run}`).not.toContain("failed");
    }
    expect(stoppedWhile).toEqual(new Set(["connected 1", "connecting 1", "connected 2"]));
  });
});
