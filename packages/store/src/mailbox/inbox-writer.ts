import type { Committer } from "../commit/committer.js";
import type { PeerTable, Tenure } from "../commit/peer-table.js";
import type { Begun, InboxState, Recorded, RecordResult } from "../contract/inbox.js";
import type { OpenDisk } from "../disk/disk.js";
import { begin, record } from "../writes/record.js";
import type { InboxSweeper } from "../writes/inbox-sweeper.js";
import type { UnusedMailboxes } from "../writes/unused-mailboxes.js";
import { readInbox } from "./inbox-reading.js";

export interface InboxWriterOptions {
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly sweeper: InboxSweeper;
  readonly unused: UnusedMailboxes;
  readonly maxPeers: number;
}

/** The inboxes of all peers, for present and former holders of their mailboxes. */
export class InboxWriter {
  readonly #options: InboxWriterOptions;

  constructor(options: InboxWriterOptions) {
    this.#options = options;
  }

  /** Reads the disk, and so everything begun, recorded or settled before the claim that asks. */
  async load(peer: string, disk: OpenDisk): Promise<InboxState> {
    const settled = this.#options.peers.inboxes.get(peer)?.settled ?? 0;
    const { state, rows } = await readInbox(disk, peer, settled);
    this.#wrote(peer, rows - state.applied.size - state.begun.size);
    return state;
  }

  #wrote(peer: string, rows: number): void {
    const { peers, sweeper } = this.#options;
    if (peers.inboxes.get(peer) !== undefined) sweeper.wrote(peer, rows);
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

  async begin(peer: string, tenure: Tenure, batch: readonly Begun[]): Promise<void> {
    if (batch.length === 0) return;
    const { committer, maxPeers } = this.#options;
    await committer.commit(begin({ peer, tenure, batch }, maxPeers));
    this.#wrote(peer, batch.length);
  }

  async record(peer: string, tenure: Tenure, batch: readonly Recorded[]): Promise<RecordResult> {
    const { committer, peers, maxPeers } = this.#options;
    if (batch.length === 0)
      return { recorded: peers.inboxes.get(peer)?.recorded ?? peers.forgotten.recorded, discarded: [] };
    const result = await committer.commit(record({ peer, tenure, batch }, maxPeers));
    this.#wrote(peer, batch.length);
    return result;
  }

  settle(peer: string, tenure: Tenure, version: number): void {
    const { peers, sweeper } = this.#options;
    // Each heartbeat repeats it, and mostly it is on disk already.
    const isNew = Number.isSafeInteger(version) && version > (peers.inboxes.get(peer)?.settled ?? 0);
    if (isNew && peers.tenures.get(peer) === tenure) sweeper.settle(peer, version);
  }

  joined(peer: string, tenure: Tenure, epoch: number): void {
    const { peers, sweeper } = this.#options;
    const isNew = epoch > (peers.inboxes.get(peer)?.joined ?? 0);
    if (isNew && peers.tenures.get(peer) === tenure) sweeper.joined(peer, epoch);
  }
}
