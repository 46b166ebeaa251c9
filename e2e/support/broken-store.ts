import type { MailboxLease, Store } from "@hawser/store";

export interface Breakage {
  /** Claiming a mailbox fails. */
  readonly open?: () => Error;
  /** Moving an event to the dead letters fails. */
  readonly deadLetter?: () => Error;
  /** Knowing what was applied fails. */
  readonly load?: () => Error;
  /** The store loses track of a mailbox, as soon as it is asked to remember an acknowledgement. */
  readonly resync?: boolean;
}

/** A store of which a part throws. */
export function breakStore(store: Store, { open, deadLetter, load, resync = false }: Breakage): Store {
  const opening: Store["open"] = async (peer, holder, options, on) => {
    if (open !== undefined) throw open();
    const lease = await store.open(peer, holder, options, on);
    const broken: MailboxLease = {
      epoch: lease.epoch,
      toldBefore: lease.toldBefore,
      read: (after, limit, maxBytes) => lease.read(after, limit, maxBytes),
      acknowledge: (version) => {
        if (resync) on.lost("resync");
        else lease.acknowledge(version);
      },
      peerRecorded: (count) => lease.peerRecorded(count),
      deadLetter: (version, reason) =>
        deadLetter === undefined ? lease.deadLetter(version, reason) : Promise.reject(deadLetter()),
      close: () => lease.close(),
    };
    return broken;
  };
  const inbox: Store["inbox"] = {
    load: (peer) => (load === undefined ? store.inbox.load(peer) : Promise.reject(load())),
    use: (peer) => store.inbox.use(peer),
    begin: (...args) => store.inbox.begin(...args),
    record: (...args) => store.inbox.record(...args),
    settle: (...args) => store.inbox.settle(...args),
    joined: (...args) => store.inbox.joined(...args),
    recorded: (...args) => store.inbox.recorded(...args),
  };
  return {
    get id() {
      return store.id;
    },
    inbox,
    retained: store.retained,
    start: () => store.start(),
    stop: () => store.stop(),
    use: () => store.use(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    append: (batch) => store.append(batch),
    open: opening,
    standing: (peer) => store.standing(peer),
    get forgotten() {
      return store.forgotten;
    },
    remove: (peer, options) => store.remove(peer, options),
    tombstone: (peer) => store.tombstone(peer),
    tombstones: (page) => store.tombstones(page),
    readmit: (peer) => store.readmit(peer),
    peers: (page) => store.peers(page),
    stats: (peer) => store.stats(peer),
    deadLetters: (peer, page) => store.deadLetters(peer, page),
    requeue: (peer, version) => store.requeue(peer, version),
    discard: (peer, version) => store.discard(peer, version),
    purge: (peer, options) => store.purge(peer, options),
  };
}
