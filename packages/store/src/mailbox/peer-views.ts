import type { Clock } from "@hawser/runtime";
import { decodeMailboxMeta, newMailboxMeta, type MailboxMeta } from "../layout/counters.js";
import type { OpenDisk } from "../disk/disk.js";
import { metaRange, peerOfMetaKey } from "../layout/keys.js";
import type { LeaseTable } from "./lease-table.js";
import type { PeerTable } from "../commit/peer-table.js";
import type { PeerQuery, PeerView, StoreTotals } from "../contract/views.js";

type Row = readonly [peer: string, meta: Readonly<MailboxMeta>];

/** What there is to see of the peers of a store. */
export class PeerViews {
  readonly #peers: PeerTable;
  readonly #leases: LeaseTable;
  readonly #clock: Clock;

  constructor(peers: PeerTable, leases: LeaseTable, clock: Clock) {
    this.#peers = peers;
    this.#leases = leases;
    this.#clock = clock;
  }

  totals(): StoreTotals {
    return { peers: this.#peers.mailboxes.size, held: this.#leases.size, ...this.#peers.sums };
  }

  of(peer: string): PeerView | undefined {
    const meta = this.#peers.mailboxes.get(peer);
    return meta && this.#view([peer, meta]);
  }

  /** @param query whose `limit` was checked */
  async page(disk: OpenDisk, query: PeerQuery): Promise<readonly PeerView[]> {
    const { order = "name", held, limit } = query;
    const rows =
      order === "name" && held !== true
        ? await this.#byName(disk, query)
        : firstOf(this.#candidates(query), limit, order === "name" ? byName : byPending);
    return rows.map((row) => this.#view(row));
  }

  /** The rows on the disk are in order, so they need no sorting. */
  async #byName(disk: OpenDisk, { after, prefix = "", held, limit }: PeerQuery): Promise<readonly Row[]> {
    const found: Row[] = [];
    let last = after;
    for (;;) {
      const rows = await disk.range(metaRange("mailbox", limit, last, prefix));
      for (const [key, value] of rows) {
        last = peerOfMetaKey(key);
        if (!last.startsWith(prefix)) return found;
        if (held !== undefined && held !== this.#isHeld(last)) continue;
        found.push([last, decodeMailboxMeta(value, key)]);
        if (found.length === limit) return found;
      }
      if (rows.length < limit) return found;
    }
  }

  *#candidates({ after, prefix = "", held, order }: PeerQuery): Iterable<Row> {
    const compare = order === "pending" ? byPending : byName;
    const from = after === undefined ? undefined : this.#cursor(after, order);
    if (after !== undefined && from === undefined) return;
    for (const row of held === true ? this.#held() : this.#peers.mailboxes) {
      if (!row[0].startsWith(prefix) || (held === false && this.#isHeld(row[0]))) continue;
      if (from === undefined || compare(row, from) > 0) yield row;
    }
  }

  /** By name, a peer has its place also where it is not there any more. */
  #cursor(peer: string, order: PeerQuery["order"]): Row | undefined {
    const meta = this.#peers.mailboxes.get(peer);
    if (meta !== undefined) return [peer, meta];
    return order === "pending" ? undefined : [peer, newMailboxMeta()];
  }

  *#held(): Iterable<Row> {
    for (const peer of this.#leases.peers()) {
      const meta = this.#peers.mailboxes.get(peer);
      if (meta !== undefined) yield [peer, meta];
    }
  }

  #isHeld(peer: string): boolean {
    return this.#leases.get(peer) !== undefined;
  }

  #view([peer, meta]: Row): PeerView {
    const { pending, deadLetters, bytes, lastVersion, peerStore } = meta;
    const stats = { peer, pending, deadLetters, bytes, lastVersion, everOpened: peerStore !== "" };
    const holder = this.#leases.get(peer)?.holder;
    if (holder !== undefined) return { ...stats, holder, seenAt: this.#clock.wallTime() };
    const seenAt = this.#peers.tenures.get(peer)?.seenAt;
    return seenAt === undefined ? stats : { ...stats, seenAt };
  }
}

function byName([a]: Row, [b]: Row): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function byPending(a: Row, b: Row): number {
  return b[1].pending - a[1].pending || byName(a, b);
}

/** The first `limit` of what would be a long list, without sorting all of it. */
function firstOf(all: Iterable<Row>, limit: number, compare: (a: Row, b: Row) => number): readonly Row[] {
  const first: Row[] = [];
  for (const row of all) {
    const last = first.at(-1);
    if (first.length === limit && last !== undefined && compare(row, last) >= 0) continue;
    const place = first.findIndex((other) => compare(row, other) < 0);
    first.splice(place === -1 ? first.length : place, 0, row);
    if (first.length > limit) first.pop();
  }
  return first;
}
