import { HawserError } from "@hawser/protocol";
import type { SessionEnd } from "@hawser/session";
import type { MemoryDisk } from "@hawser/store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Outcome } from "./delivery.js";
import { command, Side, spec, status, TwoSides } from "./testing/two-sides.js";

const SIDES = ["principal", "agent"] as const;
type SideName = (typeof SIDES)[number];

/** Who the other side is in the store of each. */
const PEERS = { principal: "edge-1", agent: "principal" } as const;
const other = (side: SideName): SideName => (side === "agent" ? "principal" : "agent");

describe.each(SIDES)("the store of the %s was put back to an older copy", (side) => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = new TwoSides();
    await sides.start();
  });
  afterEach(() => sides.stop());

  const publish = (by: SideName, count = 1): Promise<readonly number[]> =>
    sides.publish(
      sides[by],
      PEERS[by],
      Array.from({ length: count }, () => command("a")),
    );

  /** The side goes down, and starts again on `disk`. */
  async function startOn(disk: MemoryDisk): Promise<void> {
    const stopped = sides[side].store.stop();
    await sides.world.advance(100);
    await stopped;
    sides[side] = new Side(sides.world, PEERS[side], disk);
    await sides[side].store.start();
  }

  async function session(work: () => Promise<unknown>): Promise<void> {
    const link = await sides.connect();
    await work();
    await sides.world.advance(500);
    link.connection.close(1000, "");
    await sides.world.advance(500);
  }

  async function expectRefused(what: string): Promise<void> {
    await sides.connect();
    await sides.world.advance(500);
    const [ours, theirs] = [sides.agentEnds.at(-1), sides.principalEnds.at(-1)];
    for (const end of [ours, theirs]) expect(codeOf(end)).toBe("store_rolled_back");
    // What the other side was told.
    const told = side === "principal" ? ours : theirs;
    expect(told).toHaveProperty(
      "error.message",
      expect.stringContaining(`store may have been rolled back: it ${what}`),
    );
    expect(told).toHaveProperty("kind", "refused");
  }

  it("a session began since", async () => {
    await session(() => publish(other(side)));
    const backup = sides[side].disk.snapshot();
    await session(() => publish(side));
    await startOn(backup);
    // It passes the version that the peer has had; but the peer has not been told of any of these.
    await publish(side, 5);
    await expectRefused("gave out version 1, and knows of 0");
  });

  it("a session began since in which nothing was given out or recorded", async () => {
    await session(() => publish(side));
    const backup = sides[side].disk.snapshot();
    const error = new HawserError("handler_rejected", "no");
    sides[side].handler = (): Outcome => ({ kind: "rejected", error });
    await session(() => publish(other(side)));
    await startOn(backup);
    await expectRefused("began session 2, and knows of 1");
  });

  it("versions were given out since, in the session that went on while the copy was made", async () => {
    let backup: MemoryDisk | undefined;
    await session(async () => {
      await publish(side, 3);
      await sides.world.advance(100);
      backup = sides[side].disk.snapshot();
      await publish(side, 2);
    });
    if (backup === undefined) throw new Error("no backup");
    await startOn(backup);
    // More than the peer has had, but not in the session it has had them in.
    await publish(side, 9);
    await expectRefused("gave out version 5, and knows of 3");
  });

  it("events were acknowledged since, in the session that went on while the copy was made", async () => {
    let backup: MemoryDisk | undefined;
    let letGo: (outcome: Outcome) => void = () => {};
    await session(async () => {
      sides[side].handler = (): Promise<Outcome> => new Promise((resolve) => (letGo = resolve));
      await publish(other(side));
      sides[side].handler = (): Outcome => ({ kind: "applied" });
      // The highest version is in the copy: it is the one below that is not.
      await sides.publish(sides[other(side)], PEERS[other(side)], [command("b")]);
      await sides.world.advance(100);
      backup = sides[side].disk.snapshot();
      letGo({ kind: "applied" });
    });
    if (backup === undefined) throw new Error("no backup");
    await startOn(backup);
    await expectRefused("recorded 2 events, and knows of 1");
  });

  it("nothing that a peer would know of happened since: nothing is lost, so it goes on", async () => {
    await session(() => publish(side));
    const backup = sides[side].disk.snapshot();
    await publish(side);
    await startOn(backup);
    expect(await publish(side)).toEqual([2]);
    await sides.connect();
    await sides.world.advance(500);
    expect(sides[other(side)].applied).toEqual(["a_u1@1", "a_u1@2"]);
  });

  it("stays refused, however often it comes back and whatever is published meanwhile", async () => {
    await session(() => publish(side));
    const backup = sides[side].disk.snapshot();
    await session(() => publish(side));
    await startOn(backup);
    for (let round = 0; round < 5; round += 1) {
      await publish(side, 3);
      await publish(other(side));
      await expectRefused("gave out version 2, and knows of 1");
      if (round === 2) await startOn(sides[side].disk);
    }
    expect(sides[other(side)].applied).toHaveLength(2);
    expect(sides[side].applied).toEqual([]);
  });
});

describe("an agent that was with another principal meanwhile", () => {
  it("is told again by the first what the other one said otherwise, and neither takes it for a rollback", async () => {
    const sides = new TwoSides();
    await sides.start();
    const first = sides.principal;
    const second = new Side(sides.world, "edge-1");
    await second.store.start();
    const visit = async (principal: Side): Promise<void> => {
      sides.principal = principal;
      const link = await sides.connect();
      await sides.publish(sides.agent, "principal", [status("s", 1)]);
      await sides.world.advance(500);
      link.connection.close(1000, "");
      await sides.world.advance(500);
    };
    await sides.publish(first, "edge-1", [command("a"), spec("x", 1)]);
    await visit(first);
    await sides.publish(second, "edge-1", [spec("x", 2)]);
    for (let turn = 0; turn < 3; turn += 1) await visit(second);
    await visit(first);
    await visit(first);
    await visit(second);
    const specs = sides.agent.deliveries.filter(({ event }) => event.subject === "Thing/x");
    expect(specs.map(({ event }) => event.data)).toMatchObject([
      { spec: 1 },
      { spec: 2 },
      { spec: 1 },
      { spec: 2 },
    ]);
    expect(sides.agent.deliveries.filter(({ event }) => event.type === "test.command")).toHaveLength(1);
    expect([...sides.agentEnds, ...sides.principalEnds].map(codeOf)).not.toContain("store_rolled_back");
    await Promise.all([first.store.stop(), second.store.stop(), sides.world.advance(100)]);
    await sides.stop();
  });
});

describe("no rollback", () => {
  it("is seen in a crash that loses what was lazily recorded, on either side, at any moment", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const sides = new TwoSides(seed);
      await sides.start();
      const { random } = sides.world.runtime;
      for (let round = 0; round < 6; round += 1) {
        const link = await sides.connect();
        const count = Math.floor(random.next() * 4);
        await sides.publish(
          sides.principal,
          "edge-1",
          Array.from({ length: count }, () => command("a")),
        );
        await sides.publish(sides.agent, "principal", [status("s", round)]);
        await sides.world.advance(random.next() * 120);
        const side: SideName = random.next() < 0.5 ? "agent" : "principal";
        const { disk } = sides[side];
        disk.crash(random);
        link.connection.terminate(new HawserError("connection_closed", "the machine went down"));
        await sides.world.advance(200);
        sides[side] = new Side(sides.world, PEERS[side], disk);
        await sides[side].store.start();
      }
      await sides.connect();
      await sides.world.advance(200);
      const codes = [...sides.agentEnds, ...sides.principalEnds].map(codeOf);
      expect(codes).not.toContain("store_rolled_back");
      await sides.stop();
    }
  });
});

function codeOf(end: SessionEnd | undefined): string | undefined {
  return end !== undefined && "error" in end ? end.error.code : undefined;
}
