import { systemRuntime, type Runtime } from "@hawser/runtime";
import { createMemoryDisk, type MemoryDisk } from "../disk/memory-disk.js";
import { DiskStore } from "../disk-store.js";
import type { MailboxLimits } from "../contract/limits.js";
import type { Store } from "../contract/store.js";
import type { SharedClientTiming } from "./conversation.js";
import { Link, type Network } from "./network.js";
import { SharedServer } from "./server.js";
import { SharedStore } from "./shared-store.js";

/** What `createSharedMemoryEngine` takes. */
export interface SharedMemoryOptions {
  /** Of the server and of the network to it; its randomness decides delays and losses. @default systemRuntime() */
  readonly runtime?: Runtime;
  /** Where the contents live; share it to see them again after a simulated crash of the server. @default a new one */
  readonly disk?: MemoryDisk;
  /** The same for all clients. @default DEFAULT_MAILBOX_LIMITS, each one by itself */
  readonly limits?: Partial<MailboxLimits>;
  /** How long a message takes in each direction, between these. With 0 it takes no timer. @default 0 for both */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Which part of new entries a holder is told of by their position alone (`more`), 0 to 1. @default 0 */
  readonly positionShare?: number;
  /** Which part of what holders are told gets lost, 0 to 1. Requests and answers never do but in a partition. @default 0 */
  readonly lostShare?: number;
  /** After so much silence a client is no member any more, and what it held counts as given up. @default 30_000 */
  readonly memberTtlMs?: number;
}

/** How one client of a shared engine differs from the others. */
export interface SharedClientOptions extends Partial<SharedClientTiming> {
  /** Of the machine of this client. @default the runtime of the engine */
  readonly runtime?: Runtime;
}

/** One process that shares the store. */
export interface SharedMemoryClient {
  /** Not started yet. */
  readonly store: Store;
  /**
   * Cuts this client off from the server, whatever is on its way included. It is not told: requests time out.
   *
   * @returns what ends it; the client is connected again at once
   */
  partition(): () => void;
  /**
   * The process ends without a word: nothing is sent from here any more, and holders hear nothing. Requests under way are answered as lost ones, so that nobody waits for them for ever.
   */
  kill(): void;
}

/** One store that several clients share. */
export interface SharedMemoryEngine extends AsyncDisposable {
  /** A client of this name, which is that of its member. When it starts, the one of the same name that was there before is fenced. */
  client(name: string, options?: SharedClientOptions): SharedMemoryClient;
  /** Ends the server. What is on the disk stays. */
  stop(): Promise<void>;
}

/**
 * A store in memory that several clients share, as principals share a database: one server that has the contents, and clients that reach it through a network with latency, loss and partitions. For
 * tests and simulations of what several processes do to each other. Under virtual time and with a seeded runtime a run is repeatable.
 *
 * @throws HawserError `invalid_config` for limits that are not positive integers
 */
export function createSharedMemoryEngine(options: SharedMemoryOptions = {}): SharedMemoryEngine {
  const {
    runtime = systemRuntime(),
    disk = createMemoryDisk(),
    limits = {},
    latencyMs = { min: 0, max: 0 },
  } = options;
  const { positionShare = 0, lostShare = 0, memberTtlMs = 30_000 } = options;
  const { random, timers } = runtime;
  const falls = (share: number): boolean => share > 0 && random.next() < share;
  const network: Network = {
    timers,
    delay: () => (latencyMs.max === 0 ? 0 : latencyMs.min + random.next() * (latencyMs.max - latencyMs.min)),
    loses: () => falls(lostShare),
  };
  const store = new DiskStore(disk.attach(), { runtime, limits });
  const server = new SharedServer({
    store,
    clock: runtime.clock,
    memberTtlMs,
    tellsVersion: () => falls(positionShare),
  });
  return {
    client: (name, about = {}) => createClient(name, server, network, { runtime, ...about }),
    stop: () => store.stop(),
    [Symbol.asyncDispose]: () => store.stop(),
  };
}

function createClient(
  name: string,
  server: SharedServer,
  network: Network,
  { runtime, ...timing }: SharedClientOptions & { readonly runtime: Runtime },
): SharedMemoryClient {
  const link = new Link(network, runtime.timers);
  const store = new SharedStore({ name, server, link, runtime, timing: { ...DEFAULT_TIMING, ...timing } });
  return {
    store,
    partition: () => link.cut(() => store.healed()),
    kill: () => {
      store.kill();
      link.end();
    },
  };
}

const DEFAULT_TIMING: SharedClientTiming = {
  requestTimeoutMs: 5_000,
  sweepMs: 2_000,
  graceMs: 10_000,
  lazyFlushMs: 50,
  maxUnderWay: 65_536,
};
