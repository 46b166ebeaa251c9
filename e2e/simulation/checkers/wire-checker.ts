import {
  CONTROL_TYPE_PREFIX,
  parseMessage,
  type CloudEvent,
  type ControlMessage,
  type Hello,
  type HawserEvent,
} from "@hawser/protocol";
import { identityOf } from "../identity.js";
import type { Fact, Mailbox } from "../ledger.js";
import type { WatchedEnd } from "./watched-end.js";

/** What both ends know once they have greeted. */
interface Open {
  readonly outgoing: Mailbox;
  readonly incoming: Mailbox;
  readonly window: number;
  readonly epoch: number;
}

/**
 * One end of one connection, by nothing but its frames: events only inside the session, at most the window of them unanswered, one per resource and never an older one,
 * each what was accepted under its version; ACKs only for what was applied and written to disk; a settled floor that is true.
 */
export class WireChecker {
  readonly #end: WatchedEnd;
  #agent = "";
  #hello: Hello | undefined;
  #open: Open | undefined;
  #mayStillSend = true;
  #floor = 0;
  #peerFloor = 0;
  readonly #unanswered = new Map<string, { readonly fact: Fact; readonly sentAtMs: number }>();
  readonly #lastSent = new Map<string, number>();

  constructor(end: WatchedEnd) {
    this.#end = end;
  }

  sent(event: CloudEvent): void {
    const message = this.#read(event);
    if (message.kind === "event") this.#sentEvent(message.event);
    else this.#sentControl(message.message);
  }

  received(event: CloudEvent): void {
    const message = this.#read(event);
    if (message.kind === "event") return;
    const control = message.message;
    if (control.type === "ack")
      for (const key of control.acks) this.#answered(key.resourceid, key.eventid, true);
    else if (control.type === "nack") this.#answered(control.resourceid, control.eventid, false);
    else this.#greeting(control);
    if (control.type === "heartbeat") this.#peerFloor = Number(control.settled);
  }

  #read(event: CloudEvent): ReturnType<typeof parseMessage> {
    const message = parseMessage(event);
    const isControl = event.type.startsWith(CONTROL_TYPE_PREFIX);
    if (isControl !== (message.kind === "control")) this.#violation("frames are what they say", event.type);
    return message;
  }

  #sentControl(message: ControlMessage): void {
    this.#trace(describe(message));
    switch (message.type) {
      case "goodbye":
      case "goodbye_ack":
        this.#mayStillSend = false;
        return;
      case "ack":
        for (const key of message.acks) this.#checkAck(key.resourceid, Number(key.eventid));
        return;
      case "heartbeat":
        this.#checkFloor(Number(message.settled));
        return;
      default:
        this.#greeting(message);
        // The floor of a hello binds nobody: the agent names it before it knows which store the principal has.
        if (message.type === "welcome") this.#checkFloor(Number(message.settled));
    }
  }

  // Of the two greetings one is sent and one received at either end.
  #greeting(message: ControlMessage): void {
    if (message.type === "hello") {
      this.#agent = message.agent;
      this.#hello = message;
    }
    if (message.type !== "welcome" || this.#hello === undefined) return;
    const { ledger, side, name, welcomes } = this.#end;
    const down = ledger.life("down", this.#agent, message.store);
    const up = ledger.life("up", this.#agent, this.#hello.store);
    const { epoch } = message;
    // Where either end does not know the other's store, all retained states go to the agent again.
    if (
      side === "principal" &&
      (this.#hello.known?.store !== message.store || !down.isKnownBy(this.#hello.store))
    )
      down.purges.undo();
    this.#open =
      side === "agent"
        ? { outgoing: up, incoming: down, window: message.window, epoch }
        : { outgoing: down, incoming: up, window: this.#hello.window, epoch };
    if (side === "agent") this.#peerFloor = Number(message.settled);
    if (side === "agent") return;
    welcomes.sent(this.#agent, message.store, epoch, name);
  }

  #sentEvent(event: HawserEvent): void {
    const { resourceid, eventid } = event;
    this.#trace(`send ${resourceid}@${eventid}`);
    const open = this.#open;
    if (open === undefined || !this.#mayStillSend) {
      this.#violation("events only in an open session", `${resourceid}@${eventid}`);
      return;
    }
    const identity = identityOf(event);
    const isNew = !open.outgoing.facts.has(identity.version);
    const fact = open.outgoing.note(identity, false);
    if (isNew) this.#end.unannounced(open.outgoing, fact);
    if (this.#end.side === "principal") fact.sentBy ??= this.#end.name;
    this.#checkSend(open, fact);
    this.#unanswered.set(resourceid, { fact, sentAtMs: this.#end.now() });
    const inFlight = this.#inFlight(open);
    if (inFlight > open.window)
      this.#violation("the window holds", `${inFlight} in flight, window ${open.window}`);
  }

  /**
   * A state that gave way to a newer one, and what was purged, counts no more once its resend would have been due. What a status gave way to may still lie in the
   * mailbox, where nobody has seen it.
   */
  #inFlight({ outgoing, window }: Open): number {
    if (this.#unanswered.size <= window) return this.#unanswered.size;
    const { now, minResendMs } = this.#end;
    return [...this.#unanswered.values()].filter(
      ({ fact, sentAtMs }) =>
        now() < sentAtMs + minResendMs ||
        !(fact.eventClass === "status" || outgoing.mayBeOutdated(fact) || outgoing.purges.mayHold(fact)),
    ).length;
  }

  #checkSend(open: Open, fact: Fact): void {
    const { resourceid, version } = fact;
    const name = `${resourceid}@${version}`;
    const last = this.#lastSent.get(resourceid) ?? 0;
    if (version < last) this.#violation("nothing older is sent after what is newer", `${name} after ${last}`);
    if (version === last && this.#end.sendsOnce) this.#violation("no redelivery without faults", name);
    this.#lastSent.set(resourceid, version);
    const before = this.#unanswered.get(resourceid)?.fact;
    const heardMs = this.#end.now() - this.#end.hearsWithinMs;
    if (version === last && open.outgoing.isKnownOutdated(fact, heardMs))
      this.#violation("what gave way is not sent again", name);
    // What is in flight may be being applied, so it is sent again whatever the time.
    if (before?.version !== version && fact.expiresAtMs <= this.#end.wallTime())
      this.#violation("what expired is not sent", name);
    if (open.outgoing.purges.holds(fact, heardMs) && !fact.acknowledged)
      this.#violation("what was purged is not sent", name);
    // Only what gave way may be left without its answer.
    const gaveWay =
      before !== undefined && (open.outgoing.outdated(before) || open.outgoing.purges.mayHold(before));
    if (before !== undefined && before.version !== version && !gaveWay)
      this.#violation("one event of a resource in flight", `${name} while ${before.version} has no answer`);
    if (version <= this.#floor)
      this.#violation("what is settled is not sent", `${name}, floor ${this.#floor}`);
    const { sendsOnce, settlesWithinMs } = this.#end;
    if (sendsOnce && fact.acknowledgedAtMs + settlesWithinMs <= this.#end.now())
      this.#violation("no redelivery without faults", name);
    this.#checkUid(open.outgoing, fact);
    if (this.#end.side === "principal") this.#checkHeld(open.epoch, name, heardMs);
  }

  /** A principal knows at once that it has taken its own session over, and hears within the bound that another principal has. */
  #checkHeld(epoch: number, name: string, heardMs: number): void {
    const { welcomes, store, name: principal } = this.#end;
    const newest = welcomes.newest(this.#agent, store, principal);
    const elsewhere = welcomes.takenOverAt(this.#agent, store, principal, epoch);
    if (epoch < newest || (elsewhere !== undefined && elsewhere <= heardMs))
      this.#violation("who was taken over is silent", `${name} in epoch ${epoch} of ${newest}`);
  }

  #checkUid(mailbox: Mailbox, fact: Fact): void {
    const isOpen = (each: Fact): boolean =>
      !each.acknowledged && each.deadLetter === undefined && !mailbox.purges.mayHold(each);
    const suspects = mailbox.deletesBefore(fact).filter(isOpen);
    if (suspects.length === 0) return;
    void this.#end.learnDeadLetters(mailbox).then(() => {
      for (const { resourceid, version } of suspects.filter(isOpen))
        this.#violation(
          "a new uid waits for the delete of the old one",
          `${fact.resourceid}@${fact.version} while ${resourceid}@${version} has no answer`,
        );
    });
  }

  #answered(resourceid: string, eventid: string, isAck: boolean): void {
    const waiting = this.#unanswered.get(resourceid);
    if (waiting?.fact.version === Number(eventid)) this.#unanswered.delete(resourceid);
    const answered = this.#open?.outgoing.facts.get(Number(eventid));
    if (isAck && answered?.resourceid === resourceid) {
      answered.acknowledged = true;
      answered.acknowledgedAtMs = this.#end.now();
    }
  }

  #checkAck(resourceid: string, version: number): void {
    const mailbox = this.#open?.incoming;
    const fact = mailbox?.facts.get(version);
    const name = `${mailbox?.name ?? ""} ${resourceid}@${version}`;
    if (mailbox === undefined || fact?.resourceid !== resourceid) {
      this.#violation("an ACK is for an event", name);
      return;
    }
    if (version <= this.#peerFloor) return;
    if (fact.eventClass === "status") {
      if (fact.discarded) return;
      // Statuses have no handler here whose effects could be seen: what counts is that they were recorded.
      const isRecorded = fact.recorded || (mailbox.recordedUpTo.get(resourceid) ?? 0) >= version;
      if (!isRecorded && !mailbox.outdated(fact)) void this.#checkRecord(mailbox, fact, name);
      return;
    }
    if (mailbox.mayBeIdle(fact)) return;
    // It was refused for good, and comes once more behind what follows it: nobody waits for this answer.
    if (fact.deadLetter !== undefined) return;
    // Nor for this one: its sender may have said that it is settled.
    if (fact.effects === 0 && mailbox.purges.mayHold(fact)) return;
    if (fact.effects === 0 && !fact.acknowledged) this.#violation("an ACK means applied", name);
    else if (this.#end.syncedAt() < fact.effectAt) this.#violation("an ACK means written to disk", name);
    else if (this.#end.readsRecords) void this.#checkRecord(mailbox, fact, name);
  }

  // A write that failed may be on disk all the same, so the disk has the last word.
  async #checkRecord(mailbox: Mailbox, { resourceid, version }: Fact, name: string): Promise<void> {
    // What came from the disk a moment ago may not be read now.
    if (!(await this.#end.learnRecords(mailbox))) return;
    if (Math.max(mailbox.receiverFloor, mailbox.recordedUpTo.get(resourceid) ?? 0) < version)
      this.#violation("an ACK means recorded", name);
  }

  #checkFloor(floor: number): void {
    const mailbox =
      this.#open?.outgoing ??
      this.#end.ledger.life(this.#end.side === "agent" ? "up" : "down", this.#agent, this.#end.store);
    // A floor that says less than one before is allowed: receivers ignore it.
    if (floor <= this.#floor) return;
    const isOpen = (fact: Fact): boolean =>
      // A status goes with its resource when that is deleted.
      fact.eventClass !== "status" &&
      !fact.acknowledged &&
      fact.deadLetter === undefined &&
      !mailbox.purges.mayHold(fact) &&
      !mailbox.mayBeOutdated(fact);
    const suspects = [...mailbox.facts.values()].filter(
      (fact) => fact.version <= floor && fact.version > this.#floor && isOpen(fact),
    );
    if (suspects.length > 0)
      void this.#end.learnDeadLetters(mailbox).then(() => {
        for (const { resourceid, version } of suspects.filter(isOpen))
          this.#violation("the settled floor is true", `${resourceid}@${version}, floor ${floor}`);
      });
    this.#floor = floor;
  }

  get #who(): string {
    if (this.#end.side === "agent") return `${this.#agent} ->`;
    return this.#end.readsRecords ? `${this.#end.name} -> ${this.#agent}` : `-> ${this.#agent}`;
  }

  #violation(rule: string, what: string): void {
    this.#end.findings.violation(rule, `${this.#who}: ${what}`);
  }

  #trace(what: string): void {
    this.#end.findings.trace(this.#who, what);
  }
}

function describe(message: ControlMessage): string {
  switch (message.type) {
    case "ack":
      return `ack ${message.acks.map(({ resourceid, eventid }) => `${resourceid}@${eventid}`).join(" ")}`;
    case "nack":
      return `nack ${message.resourceid}@${message.eventid} ${message.code} ${message.retryable ? "retry" : "for good"}`;
    case "heartbeat":
    case "hello":
      return `${message.type} settled ${message.settled}`;
    case "welcome":
      return `welcome epoch ${message.epoch} settled ${message.settled}`;
    default:
      return message.type;
  }
}
