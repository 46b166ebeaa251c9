import { HawserError } from "@hawser/protocol";
import type { Committer } from "../commit/committer.js";
import type { OpenDisk } from "../disk/disk.js";
import { decodeEvent, entryPlace } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import type { PeerTable } from "../commit/peer-table.js";
import { isStateOf, PurgeItem, type PurgeContext, type PurgedResource, type PurgeStep } from "./purge.js";
import { decodeReceived, decodeSent } from "../layout/rows.js";
import type { Purged, PurgeOptions } from "../contract/store.js";

/** Entries that are read at once to find the states of a resource, and characters of them. */
const SURVEYED_AT_ONCE = { limit: 1_000, maxLength: 262_144 };

export interface PurgesOptions extends PurgeContext {
  readonly committer: Committer;
  readonly peers: PeerTable;
  readonly disk: () => Promise<OpenDisk>;
}

/** Purges of pending events, each over as many commits as it takes. */
export class Purges {
  readonly #options: PurgesOptions;

  constructor(options: PurgesOptions) {
    this.#options = options;
  }

  /** @throws HawserError why a step could not be read or written, and how many events had gone by then */
  async purge(peer: string, { subject }: PurgeOptions): Promise<Purged> {
    const through = this.#options.peers.mailbox(peer)?.position ?? 0;
    let sum: Purged = { purged: 0, inFlight: 0, left: 0 };
    try {
      const resource = subject === undefined ? undefined : await this.#resource(peer, subject, through);
      for (let after: number | undefined = 0; after !== undefined; ) {
        const step: PurgeStep = await this.#step({ peer, through, resource }, after);
        const { purged, inFlight, left, next } = step;
        sum = { purged: sum.purged + purged, inFlight: sum.inFlight + inFlight, left };
        after = next;
      }
      return sum;
    } catch (thrown) {
      throw cutShort(peer, sum.purged, HawserError.from(thrown, "store_unavailable"));
    }
  }

  #step(target: ConstructorParameters<typeof PurgeItem>[0], after: number): Promise<PurgeStep> {
    return new Promise((resolve, reject) =>
      this.#options.committer.enqueue(new PurgeItem(target, after, this.#options, resolve, reject)),
    );
  }

  /** What a command is about it says by its `resourceid` alone, so those of the resource are looked up first: several, where it was deleted and made anew. */
  async #resource(peer: string, subject: string, through: number): Promise<PurgedResource> {
    const disk = await this.#options.disk();
    const resourceids = new Set(await retainedIds(disk, peer, subject));
    const name = JSON.stringify(subject);
    let after = 0;
    for (let isLast = false; !isLast; ) {
      const entries = await disk.rangeEntries({ peer, after, ...SURVEYED_AT_ONCE });
      for (const { version, text } of entries) {
        // Most entries are of other resources, and need not be parsed to know that.
        if (version > through || !text.includes(name)) continue;
        const event = decodeEvent(text, entryPlace(peer, version));
        if (isStateOf(subject, event)) resourceids.add(event.resourceid);
      }
      after = entries.at(-1)?.version ?? through;
      isLast = after >= through;
    }
    return { subject, resourceids };
  }
}

async function retainedIds(disk: OpenDisk, peer: string, subject: string): Promise<readonly string[]> {
  const [sentAt, receivedAt] = [sentKey(peer, subject), receivedKey(peer, subject)];
  const [sent, received] = await disk.get([sentAt, receivedAt]);
  const found: string[] = [];
  if (sent !== undefined) found.push(decodeSent(sent, sentAt).event.resourceid);
  if (received !== undefined)
    found.push(decodeEvent(decodeReceived(received, receivedAt).text, receivedAt).resourceid);
  return found;
}

function cutShort(agent: string, purged: number, { code, message, cause }: HawserError): HawserError {
  const done =
    purged === 0 ? "nothing was purged" : `${purged} events were purged before, and what is left is pending`;
  return new HawserError(code, `${message} (${done})`, { agent, cause });
}
