import { HawserError } from "@hawser/protocol";
import { expect, vi } from "vitest";
import { type BufferLimits, type Connection, DEFAULT_BUFFER_LIMITS } from "../connection.js";
import type { Dialer, DialOptions } from "../dialer.js";
import type { LinkFaults } from "../link-faults.js";
import { numbered } from "./events.js";
import { Recorder } from "./recorder.js";
import type { CaseSettings, TransportUnderTest } from "./under-test.js";
import { layWires, type Wires } from "./wires.js";

/** One end of a connection and what happened on it. */
export interface End {
  readonly connection: Connection;
  readonly seen: Recorder;
  open(): void;
}

/** The two ends of one connection. */
export interface Pair {
  readonly client: End;
  readonly server: End;
}

/** Makes the transport under test, with the settings of one case. */
export type MakeTransport = (settings: CaseSettings) => Promise<TransportUnderTest>;

/** Sets the stage, plays the case, strikes the stage; a failing case is reported rather than what its leftovers cause. */
export async function onStage(
  make: MakeTransport,
  play: (stage: Stage) => Promise<void>,
  settings: Partial<CaseSettings> = {},
): Promise<void> {
  const stage = await Stage.set(make, settings);
  try {
    await play(stage);
  } catch (failure) {
    await stage.strike().catch(() => {});
    throw failure;
  }
  await stage.strike();
}

/** One acceptor, listening, with faults between it and its dialer; the setting of one case. */
export class Stage {
  readonly #connections: Connection[] = [];
  readonly #opened: Recorder[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  readonly #accepted: Connection[] = [];
  readonly #openSocketsBefore: number;
  readonly #wires: Wires;
  #neighbour: Pair | undefined;

  private constructor(
    readonly transport: TransportUnderTest,
    wires: Wires,
    openSocketsBefore: number,
  ) {
    this.#wires = wires;
    this.#openSocketsBefore = openSocketsBefore;
  }

  static async set(make: MakeTransport, settings: Partial<CaseSettings> = {}): Promise<Stage> {
    const openSocketsBefore = countSockets();
    const transport = await make({ handshakeTimeoutMs: 10_000, ...settings });
    const stage = new Stage(transport, await layWires(transport), openSocketsBefore);
    await transport.acceptor.start((connection) => stage.#take(connection));
    return stage;
  }

  /** Dials through the faults. */
  get dialer(): Dialer {
    return this.#wires.dialer;
  }

  /** Dials past the faults. */
  get directDialer(): Dialer {
    return this.#wires.directDialer;
  }

  get faults(): LinkFaults {
    return this.#wires.faults;
  }

  /** Where the acceptor is reached directly; 0 for transports without sockets. */
  get port(): number {
    return this.#wires.port;
  }

  get bufferLimits(): BufferLimits {
    return this.transport.bufferLimits ?? DEFAULT_BUFFER_LIMITS;
  }

  /** How many connections were accepted that no case has asked for. */
  get unclaimed(): number {
    return this.#accepted.length;
  }

  accepted(): Promise<Connection> {
    const connection = this.#accepted.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * An end for a connection; every end made here is checked when the stage is struck.
   *
   * @param trusts as a principal does with its welcome
   */
  end(connection: Connection, trusts = true): End {
    if (trusts) connection.trust();
    const seen = new Recorder();
    const open = (): void => {
      this.#opened.push(seen);
      connection.open(seen);
    };
    this.#connections.push(connection);
    return { connection, seen, open };
  }

  async dialPair(dialer = this.dialer, options: DialOptions = {}): Promise<Pair> {
    const [client, server] = await Promise.all([dialer.dial(options), this.accepted()]);
    return { client: this.end(client), server: this.end(server) };
  }

  /** Open at both ends, with a server that does not know its client yet. */
  async openUntrusted(): Promise<Pair> {
    const [client, server] = await Promise.all([this.dialer.dial(), this.accepted()]);
    const pair = { client: this.end(client), server: this.end(server, false) };
    pair.client.open();
    pair.server.open();
    return pair;
  }

  async openPair(dialer = this.dialer): Promise<Pair> {
    const pair = await this.dialPair(dialer);
    pair.client.open();
    pair.server.open();
    return pair;
  }

  /**
   * Lets the process do what it has to do, without looking at a clock: a few round trips over another connection of the same transport, which
   * the faults do not touch. Also proves that this other connection is unharmed.
   */
  async roundTrips(count = 10): Promise<void> {
    this.#neighbour ??= await this.openPair(this.directDialer);
    const { client, server } = this.#neighbour;
    for (let trip = 0; trip < count; trip++) {
      const expected = server.seen.messages.length + 1;
      client.connection.send(numbered(expected));
      await server.seen.received(expected);
      server.connection.send(numbered(expected));
      await client.seen.received(expected);
    }
  }

  /** Ends everything, then holds what happened against what must always hold: one end per connection, last, and no socket left. */
  async strike(): Promise<void> {
    await this.transport.acceptor.stop();
    await this.#wires.cutAll();
    for (const seen of this.#opened) {
      await seen.end();
      expect(seen.ends).toHaveLength(1);
      expect(seen.log.at(-1)).toBe("ended");
    }
    for (const connection of this.#connections) {
      connection.terminate(new HawserError("aborted", "The case is over."));
      expect(connection.send(numbered(0))).toBe("closed");
    }
    await vi.waitFor(() => expect(countSockets()).toBeLessThanOrEqual(this.#openSocketsBefore), {
      timeout: 5_000,
      interval: 5,
    });
  }

  #take(connection: Connection): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#accepted.push(connection);
    else waiting(connection);
  }
}

function countSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length;
}
