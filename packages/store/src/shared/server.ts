import { HawserError } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { Claim, MailboxLease } from "../contract/mailbox.js";
import type { Purged, PurgeOptions } from "../contract/store.js";
import type { Holder, Member } from "../contract/views.js";
import type { DiskStore } from "../disk-store.js";
import {
  ServerLease,
  type ClientRun,
  type HolderEnd,
  type LeaseLook,
  type PurgeRequest,
} from "./server-lease.js";

export interface ServerParts {
  readonly store: DiskStore;
  readonly clock: Clock;
  /** After so much silence a client is no member any more, and its mailboxes are given up. */
  readonly memberTtlMs: number;
  readonly tellsVersion: () => boolean;
}

/** A claim of a client. */
export interface OpenRequest {
  readonly peer: string;
  readonly holder: Holder;
  readonly claim: Claim;
  readonly lease: ServerLease;
}

/** The answer to a claim that was granted. */
export type Granted = Pick<
  MailboxLease,
  "epoch" | "toldBefore" | "standing" | "continues" | "first" | "inbox"
>;

/** What a sweep finds of one lease. */
export interface Swept extends LeaseLook {
  /** Of its mailbox; 0 where that is not there any more. */
  readonly lastVersion: number;
}

/** The server with the contents. Its methods run when a message of a client arrives. */
export class SharedServer {
  readonly store: DiskStore;
  readonly #parts: ServerParts;
  readonly #members = new Map<string, ClientRun>();
  readonly #purges = new Map<string, Set<PurgeRequest>>();

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.store.watch({ peer: (peer) => this.#changed(peer) });
  }

  /** A run of a client begins. An earlier run of this name ends. @returns the name of the store */
  async join(run: ClientRun): Promise<string> {
    run.storeUse = await this.store.use();
    const former = this.#members.get(run.name);
    run.since = this.#parts.clock.wallTime();
    run.stage = "member";
    this.#members.set(run.name, run);
    former?.notify((client) => client.fenced());
    await former?.end();
    return this.store.id;
  }

  async leave(run: ClientRun): Promise<void> {
    if (this.#members.get(run.name) === run) this.#members.delete(run.name);
    await run.end();
  }

  /**
   * A message of a client arrived, which may have counted as gone meanwhile.
   *
   * @throws HawserError `store_unavailable` where this run of it has ended
   */
  heard(run: ClientRun): void {
    const { clock, memberTtlMs } = this.#parts;
    if (run.stage === "ended") {
      run.notify((client) => client.fenced());
      const message = `another life of ${run.name} has taken the place of this one`;
      throw new HawserError("store_unavailable", message);
    }
    run.seenAt = clock.wallTime();
    run.heardAt = clock.now();
    if (run.stage === "member") this.#members.set(run.name, run);
    for (const other of this.#members.values()) {
      if (run.heardAt - other.heardAt <= memberTtlMs) continue;
      this.#members.delete(other.name);
      void other.giveUp();
    }
  }

  /** @param self who asks */
  members(self: ClientRun): readonly Member[] {
    const all = [...this.#members.values()].map((member) => {
      const { name, since, seenAt } = member;
      return { name, since, seenAt, isSelf: member === self };
    });
    return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async open(run: ClientRun, { peer, holder, claim, lease: remote }: OpenRequest): Promise<Granted> {
    const lease = await this.store.openAs(run, peer, holder, claim, remote.callbacks);
    await remote.grant(lease);
    const { epoch, toldBefore, standing, continues, first, inbox } = lease;
    return { epoch, toldBefore, standing, continues, first, inbox };
  }

  /** A lease before it is asked for: a client that gives up waiting can close it. */
  lease(peer: string, run: ClientRun, holder: HolderEnd): ServerLease {
    const onlyPurge = (): PurgeRequest | undefined => {
      const [one, other] = this.#purges.get(peer) ?? [];
      return other === undefined ? one : undefined;
    };
    const { tellsVersion } = this.#parts;
    return new ServerLease({ peer, run, holder, tellsVersion, onlyPurge });
  }

  async purge(peer: string, options: PurgeOptions, request: PurgeRequest): Promise<Purged> {
    const underWay = this.#purges.get(peer) ?? new Set();
    this.#purges.set(peer, underWay.add(request));
    try {
      return await this.store.purge(peer, options);
    } finally {
      underWay.delete(request);
      if (underWay.size === 0) this.#purges.delete(peer);
    }
  }

  sweep(leases: readonly ServerLease[]): Promise<readonly Swept[]> {
    return Promise.all(
      leases.map(async (lease) => {
        const lastVersion = (await this.store.stats(lease.peer))?.lastVersion ?? 0;
        return { ...lease.look, lastVersion };
      }),
    );
  }

  #changed(peer: string): void {
    for (const run of this.#members.values())
      if (run.isWatching) run.notify((client) => client.changed(peer));
  }
}
