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
  /** Its randomness decides delays and losses. @default systemRuntime() */
  readonly runtime?: Runtime;
  /** The contents; share it to see them after a crash of the server. @default a new one */
  readonly disk?: MemoryDisk;
  /** The same for all clients. @default DEFAULT_MAILBOX_LIMITS, each one by itself */
  readonly limits?: Partial<MailboxLimits>;
  /** How long a message takes in each direction. With 0 it takes no timer. @default 0 for both */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Share of new entries notified by their version alone (`more`), 0 to 1. @default 0 */
  readonly positionShare?: number;
  /** Share of notifications that get lost, 0 to 1. Requests are lost in partitions. @default 0 */
  readonly lostShare?: number;
  /** After so much silence a client is no member, and its leases are given up. @default 30_000 */
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
   * Cuts this client off from the server, messages under way included. Its requests time out.
   *
   * @returns what ends it; the client is connected again at once
   */
  partition(): () => void;
  /** The process ends without a message. Requests under way are answered as lost ones. */
  kill(): void;
}

/** One store that several clients share. */
export interface SharedMemoryEngine extends AsyncDisposable {
  /** A client, and member, of this name. Its start fences an earlier one of the name. */
  client(name: string, options?: SharedClientOptions): SharedMemoryClient;
  /** Ends the server. What is on the disk stays. */
  stop(): Promise<void>;
}

/**
 * A store in memory that several clients share, as principals share a database: a server with the
 * contents, and a network with latency, loss and partitions. For tests and simulations of several
 * processes. With a seeded virtual runtime a run is repeatable.
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
  const store = new SharedStore({ name, server, link, runtime, timing: { ...CLIENT_TIMING, ...timing } });
  return {
    store,
    partition: () => link.cut(() => store.healed()),
    kill: () => {
      store.kill();
      link.end();
    },
  };
}

const CLIENT_TIMING: SharedClientTiming = {
  requestTimeoutMs: 5_000,
  sweepMs: 2_000,
  graceMs: 10_000,
  lazyFlushMs: 50,
  maxUnderWay: 65_536,
};
