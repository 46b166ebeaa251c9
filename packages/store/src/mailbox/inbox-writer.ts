import type { Committer } from "../commit/committer.js";
import type { OpenDisk } from "../disk/disk.js";
import { BeginItem, RecordItem, type RecordContext } from "../writes/record.js";
import { readInbox } from "./inbox-reading.js";
import type { Begun, InboxState, Recorded, RecordResult } from "../contract/inbox.js";
import type { PeerTable, Tenure } from "../commit/peer-table.js";
import type { SettledInboxes } from "../writes/inbox-sweeper.js";
import type { UnusedMailboxes } from "../writes/unused-mailboxes.js";

export interface InboxWriterOptions {
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly settled: SettledInboxes;
  readonly records: RecordContext;
  readonly unused: UnusedMailboxes;
}

/** The inboxes of all peers, for whoever has, or had, a lease of their mailboxes. */
export class InboxWriter {
  readonly #options: InboxWriterOptions;

  constructor(options: InboxWriterOptions) {
    this.#options = options;
  }

  /** What is on disk, and so what was begun, recorded or settled before the claim that asks. */
  async load(peer: string, disk: OpenDisk): Promise<InboxState> {
    const settled = this.#options.peers.inbox(peer)?.settled ?? 0;
    const { state, rows } = await readInbox(disk, peer, settled);
    this.#wrote(peer, rows - state.applied.size - state.begun.size);
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

  async begin(peer: string, tenure: Tenure, batch: readonly Begun[]): Promise<void> {
    if (batch.length === 0) return;
    const { committer, records } = this.#options;
    await new Promise<void>((resolve, reject) =>
      committer.enqueue(new BeginItem({ peer, tenure, batch }, records, resolve, reject)),
    );
    this.#wrote(peer, batch.length);
  }

  async record(peer: string, tenure: Tenure, batch: readonly Recorded[]): Promise<RecordResult> {
    const { committer, peers, records } = this.#options;
    if (batch.length === 0)
      return { recorded: peers.inbox(peer)?.recorded ?? peers.forgotten.recorded, discarded: [] };
    const result = await new Promise<RecordResult>((resolve, reject) =>
      committer.enqueue(new RecordItem({ peer, tenure, batch }, records, resolve, reject)),
    );
    this.#wrote(peer, batch.length);
    return result;
  }

  settle(peer: string, tenure: Tenure, version: number): void {
    const { peers, settled } = this.#options;
    // What is said again with each heartbeat is on disk already.
    const isNew = Number.isSafeInteger(version) && version > (peers.inbox(peer)?.settled ?? 0);
    if (isNew && peers.tenure(peer) === tenure) settled.settle(peer, version);
  }

  joined(peer: string, tenure: Tenure, epoch: number): void {
    const { peers, settled } = this.#options;
    const isNew = epoch > (peers.inbox(peer)?.joined ?? 0);
    if (isNew && peers.tenure(peer) === tenure) settled.joined(peer, epoch);
  }
}
