import type {
  Holder,
  InboxState,
  LeaseCallbacks,
  MailboxEntry,
  MailboxLease,
  Recorded,
  RecordResult,
  Standing,
  Store,
} from "@hawser/store";

const HOLDER: Holder = { session: "test", transport: "", address: "", internal: false, software: "" };
const DEAF: LeaseCallbacks = { event() {}, more() {}, purged: () => 0, lost() {} };

/** Claims the mailbox of a peer, for nobody who listens. */
export function claim(store: Store, peer: string, peerStore: string): Promise<MailboxLease> {
  return store.open(peer, HOLDER, () => ({ peerStore }), DEAF);
}

/** What a new holder is told of the inbox. */
export async function inboxOf(store: Store, peer: string): Promise<InboxState> {
  const known = await store.standing(peer);
  const lease = await claim(store, peer, known?.peer.store ?? "store");
  return lease.inbox;
}

/** A lease of a mailbox in which there is nothing. */
export class TestLease implements MailboxLease {
  readonly epoch = 1;
  readonly toldBefore = 0;
  readonly continues: boolean = false;
  readonly first: readonly MailboxEntry[] = [];
  readonly inbox: InboxState = { settled: 0, applied: new Map(), begun: new Map() };
  readonly standing: Standing = {
    own: { epoch: 1, version: 0, recorded: 0 },
    peer: { store: "store", epoch: 0, version: 0, recorded: 0 },
  };

  async read(_after: number, _limit: number, _maxBytes?: number): Promise<readonly MailboxEntry[]> {
    return [];
  }

  acknowledge(_version: number, _recorded?: number): void {}

  async deadLetter(): Promise<boolean> {
    return true;
  }

  async begin(): Promise<void> {}

  async record(_batch: readonly Recorded[]): Promise<RecordResult> {
    return { recorded: 0, discarded: [] };
  }

  settle(): void {}
  joined(): void {}

  use(): { release(): void } {
    return { release() {} };
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
