import { describe, expect, it } from "vitest";
import { brief } from "./testing/sessions.js";
import { END_BOUND_MS, SessionWorld, type Connection } from "./testing/session-world.js";

const CALM_SEEDS = 300;
const FAULTY_SEEDS = 1_000;

/** `HAWSER_SEED=n` replays one seed alone. */
function seeds(count: number): readonly number[] {
  const one = process.env["HAWSER_SEED"];
  return one === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(one)];
}

function simulate(count: number, live: (world: SessionWorld) => void): void {
  for (const seed of seeds(count)) {
    const world = new SessionWorld(seed);
    try {
      live(world);
    } catch (thrown) {
      throw new Error(
        `seed ${seed} at ${Math.round(world.agenda.nowMs)} ms; HAWSER_SEED=${seed} replays it alone\n${tell(world)}`,
        { cause: thrown },
      );
    }
  }
}

/** What the last connections did, and those that are not over. */
function tell({ connections }: SessionWorld): string {
  const telling = connections.filter(
    ({ agent, principal }, index) =>
      agent.end === undefined || principal.end === undefined || index >= connections.length - 2,
  );
  return telling
    .map(({ agent, principal }) =>
      [
        `agent is ${agent.session.state.kind}`,
        ...agent.history.slice(-12).map(line),
        `principal is ${principal.session.state.kind}`,
        ...principal.history.slice(-12).map(line),
      ].join("\n"),
    )
    .join("\n\n");
}

function line({ atMs, output }: Connection["agent"]["history"][number]): string {
  return `  ${Math.round(atMs)} ${brief([output]).join()}`;
}

function endsOf({ agent, principal }: Connection) {
  return [agent, principal].map((driver) => ({
    kind: driver.end?.kind,
    code: driver.end?.transport.kind === "closed" ? driver.end.transport.code : "lost",
    left: driver.inFlight.size + driver.handling,
  }));
}

function stop(world: SessionWorld): Connection {
  const connection = world.current;
  if (connection === undefined) throw new Error("there is no connection");
  world.stopped = true;
  connection.agent.drive((session, nowMs) => session.goodbye("stopping", nowMs));
  world.run(END_BOUND_MS);
  return connection;
}

// A second or two; the limit only keeps a crowded machine from failing a sound run.
describe("two sessions over a simulated stream", { timeout: 60_000 }, () => {
  it("rotate cleanly and leave nothing unfinished when nothing goes wrong", () => {
    simulate(CALM_SEEDS, (world) => {
      world.run(300_000);
      const over = world.connections.filter(({ agent }) => agent.end !== undefined);
      expect(over.length).toBeGreaterThanOrEqual(2);
      for (const connection of over.slice(0, -1))
        expect(endsOf(connection)).toEqual([
          { kind: "rotated", code: 1000, left: 0 },
          { kind: "rotated", code: 1000, left: 0 },
        ]);
      expect(new Set(world.delays)).toEqual(new Set([0]));
    });
  });

  it("keep every rule through cuts, half-open ends, failures, refusals, drains and takeovers, and find back", () => {
    const kinds = new Set<string | undefined>();
    simulate(FAULTY_SEEDS, (world) => {
      world.faults = true;
      while (world.agenda.nowMs < 300_000) {
        world.run(world.draw(20_000));
        world.harm();
      }
      world.faults = false;
      const healedAtMs = world.agenda.nowMs;
      // A dead connection is noticed, the longest backoff passes, a handshake is made.
      while (!world.converged && world.agenda.nowMs < healedAtMs + END_BOUND_MS + 25_000) world.run(250);
      expect(world.converged).toBe(true);
      expect(endsOf(stop(world)).map(({ code, left }) => ({ code, left }))).toEqual([
        { code: 1000, left: 0 },
        { code: 1000, left: 0 },
      ]);
      for (const { agent, principal } of world.connections) {
        if (agent.end === undefined || principal.end === undefined) throw new Error("half open for ever");
        kinds.add(agent.end?.kind);
      }
    });
    // Faults that no longer happen prove nothing.
    if (seeds(FAULTY_SEEDS).length > 1)
      expect(kinds).toEqual(new Set(["rotated", "clean", "drained", "retryAfter", "superseded", "failed"]));
  });

  it("let a drained agent finish, and bring it back at its slot", () => {
    simulate(CALM_SEEDS, (world) => {
      world.run(10_000 + world.draw(10_000));
      const [connection] = world.connections;
      if (connection === undefined) throw new Error("there is no connection");
      world.drain();
      expect(connection.principal.session.state.kind).toBe("draining");
      world.run(5_000);
      expect(endsOf(connection)).toEqual([
        { kind: "drained", code: 1000, left: 0 },
        { kind: "drained", code: 1000, left: 0 },
      ]);
      const { end } = connection.agent;
      expect(world.delays).toEqual([end?.kind === "drained" ? end.slotMs : undefined]);
    });
  });
});
