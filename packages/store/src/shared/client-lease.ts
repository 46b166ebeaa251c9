import { HawserError } from "@hawser/protocol";
import type { Begun, InboxState, Recorded, RecordResult } from "../contract/inbox.js";
import type { DeadLetterReason, MailboxEntry, MailboxLease } from "../contract/mailbox.js";
import type { Standing } from "../contract/rollback.js";
import type { Conversation } from "./conversation.js";
import type { Hearing } from "./hearing.js";
import type { ServerLease } from "./server-lease.js";
import type { Granted } from "./server.js";

export interface ClientLeaseParts {
  readonly peer: string;
  readonly granted: Granted;
  readonly remote: ServerLease;
  readonly hearing: Hearing;
  readonly conversation: Conversation;
}

/** The end of a lease that its holder has. */
export class ClientLease implements MailboxLease {
  readonly epoch: number;
  readonly toldBefore: number;
  readonly standing: Standing;
  readonly continues: boolean;
  readonly first: readonly MailboxEntry[];
  readonly inbox: InboxState;
  readonly hearing: Hearing;
  readonly remote: ServerLease;
  readonly #peer: string;
  readonly #conversation: Conversation;

  constructor({ peer, granted, remote, hearing, conversation }: ClientLeaseParts) {
    this.epoch = granted.epoch;
    this.toldBefore = granted.toldBefore;
    this.standing = granted.standing;
    this.continues = granted.continues;
    this.first = granted.first;
    this.inbox = granted.inbox;
    this.hearing = hearing;
    this.remote = remote;
    this.#peer = peer;
    this.#conversation = conversation;
  }

  async read(after: number, limit: number, maxBytes?: number): Promise<readonly MailboxEntry[]> {
    this.#assertHeld();
    const entries = await this.#conversation.want(() => this.remote.read(after, limit, maxBytes));
    this.#assertHeld();
    return entries;
  }

  acknowledge(version: number, recorded?: number): void {
    if (this.hearing.state === "held") this.#noteIfRoom(() => this.remote.acknowledge(version, recorded));
  }

  async deadLetter(version: number, reason: DeadLetterReason): Promise<boolean> {
    if (this.hearing.state !== "held") return false;
    return this.#conversation.want(() => this.remote.deadLetter(version, reason));
  }

  begin(batch: readonly Begun[]): Promise<void> {
    return this.#conversation.want(() => this.remote.begin(batch));
  }

  record(batch: readonly Recorded[]): Promise<RecordResult> {
    return this.#conversation.want(() => this.remote.record(batch));
  }

  settle(version: number): void {
    this.#noteIfRoom(() => this.remote.settle(version));
  }

  joined(): void {
    this.#noteIfRoom(() => this.remote.joined());
  }

  use(): { release(): void } {
    const name = {};
    const { notes } = this.#conversation;
    notes.add(() => this.remote.use(name));
    let isUsed = true;
    return {
      release: () => {
        if (isUsed) notes.add(() => this.remote.release(name));
        isUsed = false;
      },
    };
  }

  flush(): Promise<void> {
    return this.#conversation.want(() => this.remote.flush());
  }

  async close(): Promise<void> {
    if (this.hearing.state !== "held") return;
    this.hearing.close();
    const answer = await this.#conversation.ask(() => this.remote.close());
    if (answer.kind === "unanswered") this.giveUp();
  }

  /** The server is told as soon as it can be that nobody holds this any more. */
  giveUp(): void {
    this.#conversation.notes.add(() => void this.remote.close());
  }

  #noteIfRoom(tell: () => void): void {
    this.#conversation.notes.addIfRoom(tell);
  }

  #assertHeld(): void {
    const { state } = this.hearing;
    const about = { agent: this.#peer };
    switch (state) {
      case "held":
        return;
      case "superseded":
      case "taken":
        throw new HawserError("superseded", `another holder opened the mailbox of ${this.#peer}`, about);
      case "resync":
      case "unreachable":
      case "closed":
        throw new HawserError(
          "aborted",
          `this lease of the mailbox of ${this.#peer} has ended; open it again`,
          about,
        );
    }
  }
}
