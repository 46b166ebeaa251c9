import { HawserError, type CloudEvent } from "@hawser/protocol";
import type { Connection, ConnectionEnd } from "@hawser/transport";
import { describe, expect, it } from "vitest";
import {
  createSimulatedNetwork,
  createVirtualRuntime,
  ROUGH_NETWORK,
  type NetworkFaults,
  type SimulatedNetworkOptions,
} from "./index.js";

interface Ear {
  readonly events: CloudEvent[];
  readonly ends: ConnectionEnd[];
  writable: number;
}

function listenOn(connection: Connection, arrivals: number[] = []): Ear {
  const ear: Ear = { events: [], ends: [], writable: 0 };
  connection.open({
    message: (event) => {
      ear.events.push(event);
      arrivals.push(Number(event.id));
    },
    writable: () => (ear.writable += 1),
    ended: (end) => ear.ends.push(end),
  });
  return ear;
}

function numbered(n: number): CloudEvent {
  return { specversion: "1.0", id: String(n), source: "/test", type: "test", data: { n } };
}

const ids = (ear: Ear): number[] => ear.events.map((event) => Number(event.id));

function world(
  faults: Partial<NetworkFaults> = {},
  options: Partial<SimulatedNetworkOptions> = {},
  seed = 1,
) {
  const virtual = createVirtualRuntime({ seed });
  const network = createSimulatedNetwork({ virtual, faults, ...options });
  const agent = virtual.host("agent");
  const principal = virtual.host("principal");
  const accepted: { connection: Connection; ear: Ear }[] = [];
  /** Numbers in the order in which the principal heard them, on whatever connection. */
  const arrivals: number[] = [];
  const acceptor = network.acceptor({ host: principal, address: "principal:443" });
  void acceptor.start((connection) => accepted.push({ connection, ear: listenOn(connection, arrivals) }));
  const dialer = network.dialer({ from: agent, to: "principal:443", authorization: "Bearer t" });
  const connect = async () => {
    const promise = dialer.dial();
    await virtual.advance(200);
    const connection = await promise;
    const other = accepted.at(-1);
    if (other === undefined) throw new Error("nothing was accepted");
    return { connection, ear: listenOn(connection), other };
  };
  return { virtual, network, agent, principal, acceptor, accepted, arrivals, dialer, connect };
}

const BROKEN = new HawserError("heartbeat_timeout", "no sign of life");

describe("a perfect network", () => {
  it("carries events in order and as copies, and tells the listener who dials", async () => {
    const { virtual, connect } = world();
    const { connection, ear, other } = await connect();
    const data: { n: number } = { n: 0 };
    connection.send({ ...numbered(0), data });
    data.n = 99;
    for (let n = 1; n < 50; n += 1) connection.send(numbered(n));
    other.connection.send(numbered(7));
    await virtual.advance(1);
    expect(ids(other.ear)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(other.ear.events[0]?.data).toEqual({ n: 0 });
    expect(ids(ear)).toEqual([7]);
    expect(other.connection.peer).toEqual({ address: "agent:1", authorization: "Bearer t" });
    expect(connection.bufferedBytes).toBe(0);
  });

  it("closes behind what was sent, and delivers what the peer still sends", async () => {
    const { virtual, connect, network } = world();
    const { connection, ear, other } = await connect();
    connection.send(numbered(1));
    connection.close(1000, "rotation");
    expect(connection.send(numbered(2))).toBe("closed");
    other.connection.send(numbered(3));
    await virtual.advance(10);
    expect(ids(other.ear)).toEqual([1]);
    expect(other.ear.ends).toEqual([
      { kind: "closed", clean: true, code: 1000, reason: "rotation", by: "peer" },
    ]);
    expect(ids(ear)).toEqual([3]);
    expect(ear.ends).toEqual([{ kind: "closed", clean: true, code: 1000, reason: "rotation", by: "local" }]);
    expect(network.openConnections).toBe(0);
  });

  it("ends each side once, with the code of the other, when both close at the same time", async () => {
    const { virtual, connect } = world();
    const { connection, ear, other } = await connect();
    connection.close(1000, "mine");
    other.connection.close(4002, "yours");
    await virtual.advance(10);
    expect(ear.ends).toEqual([{ kind: "closed", clean: false, code: 4002, reason: "yours", by: "peer" }]);
    expect(other.ear.ends).toEqual([{ kind: "closed", clean: true, code: 1000, reason: "mine", by: "peer" }]);
  });

  it("holds back what arrives before open, even when the connection is over by then", async () => {
    const { virtual, network, dialer, principal } = world();
    network.listen("late:1", principal, () => {});
    const late = network.dialer({ from: virtual.host("other"), to: "principal:443" });
    const dialled = [dialer.dial(), late.dial()];
    await virtual.advance(10);
    const [first, second] = await Promise.all(dialled);
    second?.terminate(BROKEN);
    network.cut({ from: "agent" });
    await virtual.advance(10);
    if (first === undefined || second === undefined) throw new Error("not connected");
    const ears = [listenOn(first), listenOn(second)];
    await virtual.advance(1);
    expect(ears.map((ear) => ear.ends.map((end) => end.kind))).toEqual([["lost"], ["lost"]]);
  });

  it("says stop above the high-water mark, and writable once below the low one", async () => {
    const { virtual, connect } = world(
      {},
      { limits: { highWaterBytes: 500, lowWaterBytes: 100, hardLimitBytes: 5000 } },
    );
    const { connection, ear, other } = await connect();
    let sent = 0;
    while (connection.send(numbered(sent)) === "queued") sent += 1;
    expect(connection.bufferedBytes).toBeGreaterThan(500);
    await virtual.advance(1);
    expect(ear.writable).toBe(1);
    expect(other.ear.events).toHaveLength(sent + 1);
  });

  it("closes with 1009 on a frame above the limit, and with 1007 on one that the codec refuses", async () => {
    const { virtual, connect } = world({}, { maxFrameBytes: 1000 });
    const { connection, ear, other } = await connect();
    connection.send({ ...numbered(1), data: "x".repeat(1000) });
    connection.send(numbered(2));
    await virtual.advance(10);
    expect(other.ear.events).toEqual([]);
    expect(other.ear.ends).toMatchObject([{ kind: "closed", code: 1009, clean: false, by: "local" }]);
    expect(ear.ends).toMatchObject([{ kind: "closed", code: 1009, clean: false, by: "peer" }]);

    const codec = {
      subprotocol: "cloudevents.json" as const,
      encode: (event: CloudEvent) => JSON.stringify(event),
      decode: (): CloudEvent => {
        throw new HawserError("invalid_event", "refused");
      },
    };
    const second = world({}, { codec });
    const refused = await second.connect();
    refused.connection.send(numbered(1));
    await second.virtual.advance(10);
    expect(refused.other.ear.ends).toMatchObject([{ kind: "closed", code: 1007, by: "local" }]);
    expect(refused.ear.ends).toMatchObject([{ kind: "closed", code: 1007, by: "peer" }]);
  });

  it("refuses an address that is taken, and frees it when its host dies or its acceptor stops", async () => {
    const { virtual, network, acceptor, principal, connect, dialer } = world();
    expect(() => network.listen("principal:443", principal, () => {})).toThrow("already in use");
    const { ear } = await connect();
    await acceptor.stop();
    await virtual.advance(10);
    expect(ear.ends).toMatchObject([{ kind: "lost" }]);
    const refused = expect(dialer.dial()).rejects.toMatchObject({ code: "connection_failed" });
    await virtual.advance(10);
    await refused;
    network.listen("principal:443", principal, () => {});
    principal.kill();
    network.listen("principal:443", virtual.host("principal"), () => {});
  });
});

describe("dialling", () => {
  it("times out, at the time asked for, when nothing answers", async () => {
    const { virtual, dialer, network } = world({ dialHangProbability: 1 });
    const failed = expect(dialer.dial({ timeoutMs: 500 })).rejects.toMatchObject({ code: "timeout" });
    await virtual.advance(500);
    await failed;
    expect(network.openConnections).toBe(0);
  });

  it("is refused as often as the faults say", async () => {
    const { virtual, dialer } = world({ dialFailureProbability: 0.5 });
    const results = Promise.allSettled(Array.from({ length: 200 }, () => dialer.dial()));
    await virtual.advance(100);
    const refused = (await results).filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(60);
    expect(refused.length).toBeLessThan(140);
  });

  it("gives up at an abort, and leaves nothing open at the other end", async () => {
    const { virtual, dialer, accepted } = world({ latencyMinMs: 10, latencyMaxMs: 10 });
    const abort = new AbortController();
    const failed = expect(dialer.dial({ signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
    await virtual.advance(15);
    abort.abort();
    await failed;
    await virtual.advance(50);
    expect(accepted.map(({ ear }) => ear.ends.length)).toEqual([1]);
    await expect(dialer.dial({ signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("faults", () => {
  it("leave an end that does not notice a cut half open until it terminates", async () => {
    const { virtual, network, connect } = world();
    const { connection, ear, other } = await connect();
    expect(network.cut({}, { dialer: false, listener: true })).toBe(1);
    await virtual.advance(60_000);
    expect(other.ear.ends).toMatchObject([{ kind: "lost" }]);
    expect(connection.send(numbered(1))).toBe("queued");
    await virtual.advance(60_000);
    expect([ear.ends.length, other.ear.events.length, network.openConnections]).toEqual([0, 0, 1]);
    expect(connection.bufferedBytes).toBeGreaterThan(0);
    connection.terminate(BROKEN);
    await virtual.advance(1);
    expect(ear.ends).toEqual([{ kind: "lost", error: BROKEN }]);
    expect(network.openConnections).toBe(0);
  });

  it("fill the buffer of an end that nobody reads from, up to slow_consumer", async () => {
    const limits = { highWaterBytes: 500, lowWaterBytes: 100, hardLimitBytes: 5000 };
    const { virtual, network, connect } = world({}, { limits });
    const { connection, ear } = await connect();
    network.cut({}, { dialer: false, listener: false });
    for (let n = 0; n < 200; n += 1) connection.send(numbered(n));
    await virtual.advance(1);
    expect(ear.ends).toMatchObject([{ kind: "lost", error: { code: "slow_consumer" } }]);
  });

  it("hold frames and dials for as long as a partition lasts", async () => {
    const { virtual, network, connect, dialer } = world();
    const { connection, other } = await connect();
    const end = network.partition({ from: "agent" });
    connection.send(numbered(1));
    let connected = false;
    const dialled = dialer.dial().then(() => (connected = true));
    await virtual.advance(5000);
    expect([other.ear.events.length, connected]).toEqual([0, false]);
    end();
    await virtual.advance(2000);
    await dialled;
    expect([other.ear.events.length, connected]).toEqual([1, true]);
  });

  it("kill a host so that it hears nothing more while its peer sees a reset", async () => {
    const { virtual, agent, connect, network } = world();
    const { connection, ear, other } = await connect();
    other.connection.send(numbered(1));
    agent.kill();
    expect(connection.send(numbered(2))).toBe("closed");
    connection.terminate(BROKEN);
    await virtual.advance(1000);
    expect([ear.events.length, ear.ends.length]).toEqual([0, 0]);
    expect(other.ear.ends).toMatchObject([{ kind: "lost" }]);
    expect(network.openConnections).toBe(0);
  });

  it("heal for what is connected afterwards", async () => {
    const { virtual, network, connect } = world(ROUGH_NETWORK);
    await virtual.advance(300_000);
    expect(network.counts.partitions).toBeGreaterThan(0);
    network.heal();
    const { connection, ear, other } = await connect();
    for (let n = 0; n < 10; n += 1) connection.send(numbered(n));
    await virtual.advance(1_000_000);
    expect([ids(other.ear).length, ear.ends.length]).toEqual([10, 0]);
  });
});

/** An agent that redials whenever its connection ends, sending a number every few milliseconds. */
async function roughRun(seed: number) {
  const { virtual, network, accepted, arrivals, dialer, agent } = world(ROUGH_NETWORK, {}, seed);
  const { timers } = agent.runtime;
  const sent: number[][] = [];
  const agentEnds: number[] = [];
  let current: Connection | undefined;
  let n = 0;
  const redial = async (): Promise<void> => {
    current = await dialer.dial({ timeoutMs: 2000 }).catch(() => undefined);
    if (current === undefined) return void timers.after(100, () => void redial());
    const index = sent.push([]) - 1;
    agentEnds[index] = 0;
    current.open({
      message: () => {},
      writable: () => {},
      ended: () => {
        agentEnds[index] = (agentEnds[index] ?? 0) + 1;
        current = undefined;
        void redial();
      },
    });
  };
  const tick = (): void => {
    const own = sent.at(-1);
    if (current !== undefined && own !== undefined) {
      n += 1;
      current.send(numbered(n));
      own.push(n);
      if (agent.runtime.random.next() < 0.002) current.terminate(BROKEN);
    }
    timers.after(5, tick);
  };
  void redial();
  tick();
  await virtual.advance(120_000);
  return { received: accepted.map(({ ear }) => ids(ear)), accepted, arrivals, sent, agentEnds, network };
}

describe("under every fault at once", () => {
  it("a connection never reorders, repeats or borrows, and each end ends at most once", async () => {
    let reorderedAcross = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { received, arrivals, sent, accepted, agentEnds, network } = await roughRun(seed);
      expect(network.counts.cuts, `seed ${seed}`).toBeGreaterThan(0);
      for (const values of received) {
        const own = sent.find((candidates) => candidates[0] === values[0]) ?? [];
        expect(values, `seed ${seed}`).toEqual(own.slice(0, values.length));
      }
      const ends = [...agentEnds, ...accepted.map(({ ear }) => ear.ends.length)];
      expect(Math.max(...ends), `seed ${seed}`).toBe(1);
      if (arrivals.some((value, index) => value < (arrivals[index - 1] ?? 0))) reorderedAcross += 1;
    }
    expect(reorderedAcross, "runs in which an old connection delivered after a newer one").toBeGreaterThan(0);
  });

  it("the same seed gives the same run", async () => {
    const [first, again, other] = [await roughRun(5), await roughRun(5), await roughRun(6)];
    expect(again.received).toEqual(first.received);
    expect(again.network.counts).toEqual(first.network.counts);
    expect(other.received).not.toEqual(first.received);
  });
});
