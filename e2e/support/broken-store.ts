import type { MailboxLease, Store } from "@hawser/store";

export interface Breakage {
  /** Claiming a mailbox fails. */
  readonly open?: () => Error;
  /** Moving an event to the dead letters fails. */
  readonly deadLetter?: () => Error;
  /** Keeping the mailbox of a peer whose events are applied fails. */
  readonly use?: () => Error;
  /** The store loses track of a mailbox, as soon as it is asked to remember an acknowledgement. */
  readonly resync?: boolean;
}

/** A store of which a part throws. */
export function breakStore(store: Store, { open, deadLetter, use, resync = false }: Breakage): Store {
  const opening: Store["open"] = async (peer, holder, claim, on) => {
    if (open !== undefined) throw open();
    const lease = await store.open(peer, holder, claim, on);
    const broken: MailboxLease = {
      epoch: lease.epoch,
      toldBefore: lease.toldBefore,
      standing: lease.standing,
      continues: lease.continues,
      first: lease.first,
      inbox: lease.inbox,
      read: (after, limit, maxBytes) => lease.read(after, limit, maxBytes),
      acknowledge: (version, recorded) => {
        if (resync) on.lost("resync");
        else lease.acknowledge(version, recorded);
      },
      deadLetter: (version, reason) =>
        deadLetter === undefined ? lease.deadLetter(version, reason) : Promise.reject(deadLetter()),
      begin: (batch) => lease.begin(batch),
      record: (batch) => lease.record(batch),
      settle: (version) => lease.settle(version),
      joined: () => lease.joined(),
      use: () => {
        if (use !== undefined) throw use();
        return lease.use();
      },
      flush: () => lease.flush(),
      close: () => lease.close(),
    };
    return broken;
  };
  return {
    get id() {
      return store.id;
    },
    retained: store.retained,
    start: () => store.start(),
    stop: () => store.stop(),
    use: () => store.use(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    append: (batch) => store.append(batch),
    open: opening,
    standing: (peer) => store.standing(peer),
    remove: (peer, options) => store.remove(peer, options),
    tombstone: (peer) => store.tombstone(peer),
    tombstones: (page) => store.tombstones(page),
    readmit: (peer) => store.readmit(peer),
    peers: (query) => store.peers(query),
    stats: (peer) => store.stats(peer),
    totals: () => store.totals(),
    members: () => store.members(),
    watch: (on) => store.watch(on),
    status: (options) => store.status(options),
    deadLetters: (peer, page) => store.deadLetters(peer, page),
    requeue: (peer, version) => store.requeue(peer, version),
    discard: (peer, version) => store.discard(peer, version),
    purge: (peer, options) => store.purge(peer, options),
  };
}
