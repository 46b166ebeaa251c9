import { HawserError } from "@hawser/protocol";
import type { LeaseCallbacks, MailboxLease, Recorded, Store } from "@hawser/store";
import type { FenceChecker } from "./checkers/fence-checker.js";
import type { HearingChecker, Listener } from "./checkers/hearing-checker.js";
import type { Tally } from "./tally.js";

export interface StoreTap {
  /** Whose client it is. */
  readonly process: string;
  readonly isAlive: () => boolean;
  readonly fences: FenceChecker;
  readonly hearing: HearingChecker;
  readonly tally: Tally;
  readonly tick: () => number;
  readonly trace: (what: string) => void;
  /** Whether wake-ups get lost. */
  readonly mayMiss: boolean;
  /** Nobody answered whether these were recorded. */
  readonly unanswered: (agent: string, epoch: number, records: readonly Recorded[]) => void;
  /** A request leaves that changes something. */
  readonly asks: () => void;
}

/** The same store. What is claimed through it, and written under those claims, is held against the rules. */
export function tapStore(store: Store, tap: StoreTap): Store {
  const open: Store["open"] = async (peer, holder, claim, on) => {
    let at = 0;
    const { process, isAlive } = tap;
    const listener = { process, isAlive, heard: 0, isOver: false };
    tap.asks();
    const lease = await store.open(
      peer,
      holder,
      (found) => {
        const options = claim(found);
        at = tap.tick();
        tap.fences.decided({ agent: peer, process: tap.process, at });
        tap.trace(`${tap.process} claims ${peer}`);
        return options;
      },
      tapCallbacks(peer, on, tap, listener),
    );
    tap.trace(
      `${tap.process} has claimed ${peer}: epoch ${lease.epoch}${lease.continues ? ", continues" : ""}`,
    );
    tap.fences.claimed({ agent: peer, process: tap.process, epoch: lease.epoch, at });
    listener.heard = Math.max(listener.heard, lease.standing.own.version);
    tap.hearing.opened(peer, listener);
    return tapLease(peer, lease, tap, listener);
  };
  const append: Store["append"] = async (batch) => {
    tap.asks();
    const answers = await store.append(batch);
    for (const [index, answer] of answers.entries()) {
      const { peer } = batch[index] ?? { peer: "" };
      if (answer.ok) tap.hearing.accepted(peer, answer.version);
      else if (answer.reason === "unknown") tap.tally.add("answers of the store that got lost");
    }
    return answers;
  };
  return withOther(store, { open, append });
}

function tapLease(agent: string, lease: MailboxLease, tap: StoreTap, listener: Listener): MailboxLease {
  const { epoch } = lease;
  const watched = async <T>({ length }: readonly unknown[], write: () => Promise<T>): Promise<T> => {
    const act = { agent, process: tap.process, epoch, at: tap.tick() };
    tap.asks();
    try {
      const answer = await write();
      // An empty batch writes nothing, so there is nothing to refuse.
      if (length > 0) tap.fences.wrote(act);
      return answer;
    } catch (thrown) {
      count(thrown, tap.tally);
      throw thrown;
    }
  };
  return withOther(lease, {
    close: () => {
      listener.isOver = true;
      tap.fences.closed({ agent, process: tap.process, epoch });
      return lease.close();
    },
    begin: (batch) => watched(batch, () => lease.begin(batch)),
    record: (batch) =>
      watched(batch, () => lease.record(batch)).catch((thrown: unknown) => {
        if (!(thrown instanceof HawserError) || thrown.code !== "superseded")
          tap.unanswered(agent, epoch, batch);
        throw thrown;
      }),
  });
}

function count(thrown: unknown, tally: Tally): void {
  if (!(thrown instanceof HawserError)) return;
  if (thrown.code === "superseded") tally.add("records and begins that were refused after a takeover");
  if (thrown.message.includes("may have been done")) tally.add("answers of the store that got lost");
}

function tapCallbacks(
  peer: string,
  on: LeaseCallbacks,
  { tally, mayMiss, trace, process }: StoreTap,
  listener: Listener,
): LeaseCallbacks {
  const heard = (version: number): void => {
    listener.heard = Math.max(listener.heard, version);
  };
  return {
    event: (entry) => {
      heard(entry.version);
      on.event(entry);
    },
    more: (position) => {
      heard(position);
      if (mayMiss) tally.add("lost wake-ups that were found");
      on.more(position);
    },
    purged: (gone) => on.purged(gone),
    lost: (why) => {
      listener.isOver = true;
      tally.add(`mailboxes lost: ${why}`);
      trace(`${process} hears that ${peer} is lost: ${why}`);
      on.lost(why);
    },
  };
}

/** The same object with some of its methods replaced. Methods keep the object itself as `this`, which has private parts. */
function withOther<T extends object>(target: T, other: Partial<T>): T {
  return new Proxy(target, {
    get: (_, key) => {
      const value: unknown = Reflect.get(Object.hasOwn(other, key) ? other : target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
