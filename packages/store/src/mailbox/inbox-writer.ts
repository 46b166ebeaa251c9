import type { Committer } from "../commit/committer.js";
import type { PeerTable, Tenure } from "../commit/peer-table.js";
import type { Begun, InboxState, Recorded, RecordResult } from "../contract/inbox.js";
import type { OpenDisk } from "../disk/disk.js";
import { parseInboxKey, peerRange } from "../layout/keys.js";
import { decodeApplied, decodeBegun } from "../layout/rows.js";
import type { WriteContext } from "../writes/context.js";
import type { Learned } from "../writes/inbox-sweeper.js";
import { begin, record } from "../writes/record.js";

const PAGE = 1_000;

export interface InboxParts {
  readonly context: WriteContext;
  readonly committer: Committer;
  readonly peers: PeerTable;
}

/** The inboxes of all peers, for present and former holders of their mailboxes. */
export class InboxWriter {
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** Reads the disk, and so everything begun, recorded or settled before the claim that asks. */
  async load(peer: string, disk: OpenDisk): Promise<InboxState> {
    const settled = this.#parts.peers.inboxes.get(peer)?.settled ?? 0;
    const { state, rows } = await readInbox(disk, peer, settled);
    this.#wrote(peer, rows - state.applied.size - state.begun.size);
    return state;
  }

  #wrote(peer: string, rows: number): void {
    const { peers, context } = this.#parts;
    if (peers.inboxes.has(peer)) context.sweeper.wrote(peer, rows);
  }

  async begin(peer: string, tenure: Tenure, batch: readonly Begun[]): Promise<void> {
    if (batch.length === 0) return;
    const { committer, context } = this.#parts;
    await committer.commit(begin({ peer, tenure, batch }, context.limits.maxPeers));
    this.#wrote(peer, batch.length);
  }

  async record(peer: string, tenure: Tenure, batch: readonly Recorded[]): Promise<RecordResult> {
    const { committer, peers, context } = this.#parts;
    if (batch.length === 0)
      return { recorded: peers.inboxes.get(peer)?.recorded ?? peers.forgotten.recorded, discarded: [] };
    const result = await committer.commit(record({ peer, tenure, batch }, context.limits.maxPeers));
    this.#wrote(peer, batch.length);
    return result;
  }

  /** Each heartbeat repeats what was learned, so mostly it is on disk already. */
  learned(peer: string, tenure: Tenure, what: Learned, number: number): void {
    const { peers, context } = this.#parts;
    const isNew = Number.isSafeInteger(number) && number > (peers.inboxes.get(peer)?.[what] ?? 0);
    if (isNew && peers.tenures.get(peer) === tenure) context.sweeper.learned(peer, what, number);
  }
}

/** A peer's inbox without obsolete rows. `rows` counts all of them. */
async function readInbox(
  disk: OpenDisk,
  peer: string,
  settled: number,
): Promise<{ readonly state: InboxState; readonly rows: number }> {
  const applied = new Map<string, number>();
  const begun = new Map<string, { readonly version: number; readonly attempts: number }>();
  let rows = 0;
  let after: string | undefined;
  for (;;) {
    const page = await disk.range(peerRange("inbox", peer, PAGE, after));
    for (const [key, value] of page) {
      after = key;
      rows++;
      const { resourceid, applied: isApplied } = parseInboxKey(key);
      // The applied row of a resource sorts before its begun row.
      if (isApplied) {
        const version = decodeApplied(value, key);
        if (version > settled) applied.set(resourceid, version);
      } else {
        const row = decodeBegun(value, key);
        const finished = row.version <= Math.max(settled, applied.get(resourceid) ?? 0);
        if (!finished) begun.set(resourceid, row);
      }
    }
    if (page.length < PAGE) return { state: { settled, applied, begun }, rows };
  }
}
