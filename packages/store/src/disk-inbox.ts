import type { HawserError } from "@hawser/protocol";
import type { Committer } from "./committer.js";
import type { OpenDisk } from "./disk.js";
import { BeginItem, RecordItem, type RecordContext } from "./inbox-items.js";
import { readInbox } from "./inbox-reading.js";
import type { Begun, InboxState, InboxStore, Recorded } from "./inbox-store.js";
import type { PeerTable } from "./peer-table.js";
import type { SettledInboxes } from "./settled-inboxes.js";
import type { UnusedMailboxes } from "./unused-mailboxes.js";

export interface DiskInboxOptions {
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly settled: SettledInboxes;
  readonly records: RecordContext;
  readonly unused: UnusedMailboxes;
  disk(): Promise<OpenDisk>;
}

export class DiskInbox implements InboxStore {
  readonly #options: DiskInboxOptions;

  constructor(options: DiskInboxOptions) {
    this.#options = options;
  }

  async load(peer: string): Promise<InboxState> {
    const { committer, peers } = this.#options;
    // What was begun, recorded or settled before this call is to be seen by it.
    await committer.settled();
    const disk = await this.#options.disk();
    const { state, rows } = await readInbox(disk, peer, peers.inbox(peer)?.settled ?? 0);
    const stale = rows - state.applied.size - state.begun.size;
    this.#wrote(peer, stale);
    return state;
  }

  #wrote(peer: string, rows: number): void {
    const { peers, settled } = this.#options;
    if (peers.inbox(peer) !== undefined) settled.wrote(peer, rows);
  }

  use(peer: string): { release(): void } {
    const { unused } = this.#options;
    unused.use(peer);
    let isUsed = true;
    return {
      release: () => {
        if (isUsed) unused.release(peer);
        isUsed = false;
      },
    };
  }

  async begin(peer: string, batch: readonly Begun[]): Promise<void> {
    if (batch.length === 0) return;
    await this.#commit((done) => new BeginItem(peer, batch, this.#options.records, done));
    this.#wrote(peer, batch.length);
  }

  async record(peer: string, batch: readonly Recorded[]): Promise<void> {
    if (batch.length === 0) return;
    await this.#commit((done) => new RecordItem(peer, batch, this.#options.records, done));
    this.#wrote(peer, batch.length);
  }

  settle(peer: string, version: number): void {
    const { peers, settled } = this.#options;
    // What is said again with each heartbeat is on disk already.
    if (Number.isSafeInteger(version) && version > (peers.inbox(peer)?.settled ?? 0))
      settled.settle(peer, version);
  }

  joined(peer: string, epoch: number): void {
    const { peers, settled } = this.#options;
    if (epoch > (peers.inbox(peer)?.joined ?? 0)) settled.joined(peer, epoch);
  }

  recorded(peer: string): number {
    return this.#options.peers.inbox(peer)?.recorded ?? 0;
  }

  #commit(make: (done: (error?: HawserError) => void) => BeginItem | RecordItem): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: HawserError): void => (error === undefined ? resolve() : reject(error));
      this.#options.committer.enqueue(make(done));
    });
  }
}
