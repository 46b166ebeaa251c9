import type { Runtime } from "@hawser/runtime";
import type { InboxState } from "../contract/inbox.js";
import type { Claim, MailboxEntry } from "../contract/mailbox.js";
import type { Standing } from "../contract/rollback.js";
import type { Purged, PurgeOptions, Store } from "../contract/store.js";
import type { Holder } from "../contract/views.js";
import { Fences } from "./fences.js";
import type { Life } from "./life.js";
import { Membership } from "./membership.js";
import { ServerLease, type Ears, type LeaseLook, type PurgeRequest } from "./server-lease.js";

/** What a server is made of. */
export interface ServerParts {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly maxPeers: number;
  readonly memberTtlMs: number;
  readonly tellsPosition: () => boolean;
}

/** What a client asks a mailbox for. */
export interface OpenRequest {
  readonly peer: string;
  readonly holder: Holder;
  readonly claim: Claim;
  readonly lease: ServerLease;
}

/** A lease that was granted, as its client is answered. */
export interface Granted {
  readonly epoch: number;
  readonly toldBefore: number;
  readonly standing: Standing;
  readonly continues: boolean;
  readonly first: readonly MailboxEntry[];
  readonly inbox: InboxState;
}

/** What a sweep finds of one lease. */
export interface Swept extends LeaseLook {
  /** The last version of its mailbox; 0 where that is not there any more. */
  readonly position: number;
}

/** The one who has the contents. Everything here runs when a message of a client arrives. */
export class SharedServer {
  readonly store: Store;
  readonly members: Membership;
  readonly #parts: ServerParts;
  readonly #fences: Fences;
  readonly #purges = new Map<string, Set<PurgeRequest>>();

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.members = new Membership(parts.runtime.clock, parts.memberTtlMs);
    this.#fences = new Fences(parts.maxPeers);
    this.store.watch({ peer: (peer) => this.#changed(peer) });
  }

  /** @returns the name of the store */
  async join(life: Life): Promise<string> {
    life.storeUse = await this.store.use();
    await this.members.join(life);
    return this.store.id;
  }

  open(life: Life, { peer, holder, claim, lease: remote }: OpenRequest): Promise<Granted> {
    const fences = this.#fences;
    return fences.claim(peer, async () => {
      const before = fences.of(peer);
      const former = before?.life === life ? undefined : before?.life.leases.get(peer);
      let wasClaimed = false;
      const decide: Claim = (found) => {
        const options = claim(found);
        wasClaimed = true;
        if (former !== undefined) former.isTaken = true;
        return options;
      };
      try {
        const lease = await this.store.open(peer, { ...holder, ...memberOf(life) }, decide, remote.callbacks);
        const continues = lease.continues && before?.life === life;
        fences.set(peer, { life, since: continues ? before.since : lease.epoch });
        await remote.granted(lease);
        const { epoch, toldBefore, standing, first, inbox } = lease;
        return { epoch, toldBefore, standing, continues, first, inbox };
      } catch (thrown) {
        // Where the former holder has not lost it, the claim was not written. Otherwise nobody has had it to himself.
        const isUntouched = !wasClaimed || before?.life === life || former?.look.isHeld === true;
        if (!isUntouched) fences.set(peer, undefined);
        else if (former !== undefined) former.isTaken = false;
        throw thrown;
      }
    });
  }

  /** The end of a lease at this side, before it is asked for: whoever gives up waiting can close it. */
  lease(peer: string, life: Life, ears: Ears): ServerLease {
    const onlyPurge = (): PurgeRequest | undefined => this.#onlyPurge(peer);
    const { tellsPosition } = this.#parts;
    return new ServerLease({ peer, life, ears, fences: this.#fences, tellsPosition, onlyPurge });
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
        const position = (await this.store.stats(lease.peer))?.lastVersion ?? 0;
        return { ...lease.look, position };
      }),
    );
  }

  #onlyPurge(peer: string): PurgeRequest | undefined {
    const [one, other] = this.#purges.get(peer) ?? [];
    return other === undefined ? one : undefined;
  }

  #changed(peer: string): void {
    for (const life of this.members.lives) if (life.isWatching) life.link.notify(() => life.onChanged(peer));
  }
}

/** The store of the server names it as the member that holds the mailbox. */
function memberOf({ name }: Life): { readonly member: string } {
  return { member: name };
}
