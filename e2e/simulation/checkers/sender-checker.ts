import type { HawserEvent } from "@hawser/protocol";
import type { Findings } from "../findings.js";
import { identityOf } from "../identity.js";
import type { Direction, Fact, Ledger, Mailbox } from "../ledger.js";

/**
 * What publishers were told, held against what is sent and what goes to the dead letters: nothing that was refused is ever sent, a key is accepted once, and a
 * dead letter has a reason that holds.
 */
export class SenderChecker {
  readonly #ledger: Ledger;
  readonly #findings: Findings;
  readonly #attempted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #mayRepeat = new Set<string>();
  readonly #rejecting = new Set<string>();

  constructor(ledger: Ledger, findings: Findings) {
    this.#ledger = ledger;
    this.#findings = findings;
  }

  /** A publisher hands it in; `rejects`: its handler will refuse it for good. */
  attempted(direction: Direction, agent: string, content: string, rejects: boolean): void {
    const key = keyOf(direction, agent, content);
    this.#attempted.add(key);
    if (rejects) this.#rejecting.add(key);
  }

  /** The publisher was told that it was not accepted, and left it at that. */
  refused(direction: Direction, agent: string, content: string): void {
    this.#refused.add(keyOf(direction, agent, content));
  }

  /** It was sent again from the dead letters, under a new version. */
  requeued(direction: Direction, agent: string, content: string): void {
    this.#mayRepeat.add(keyOf(direction, agent, content));
  }

  /** An event nobody was told of is seen on the wire. */
  unannounced(mailbox: Mailbox, fact: Fact): void {
    this.seen(mailbox, fact);
    if (fact.eventClass === "status") return;
    const { direction, agent } = mailbox;
    const key = keyOf(
      direction,
      agent,
      fact.eventClass === "delete" ? `delete ${fact.subject}` : fact.content,
    );
    if (!this.#attempted.has(key))
      this.#findings.violation(
        "only what was handed in is sent",
        `${mailbox.name} ${fact.resourceid}@${fact.version}`,
      );
    if (this.#refused.has(key))
      this.#findings.violation("what was refused is not sent", `${mailbox.name} ${fact.content}`);
  }

  /** An event has a version now; its key must not have had one before. */
  seen(mailbox: Mailbox, fact: Fact): void {
    if (fact.eventClass !== "command") return;
    const { direction, agent } = mailbox;
    if (this.#mayRepeat.has(keyOf(direction, agent, fact.content))) return;
    for (const { version, content } of mailbox.siblings(fact.resourceid))
      if (content === fact.content && version !== fact.version)
        this.#findings.violation(
          "a key is accepted once",
          `${mailbox.name} ${content}: ${version} and ${fact.version}`,
        );
  }

  /** `wallTime`: of the sender. */
  deadLettered(
    direction: Direction,
    agent: string,
    event: HawserEvent,
    code: string,
    wallTime: number,
  ): void {
    const { version, content, expiresAtMs } = identityOf(event);
    this.#findings.trace(agent, `dead letter ${direction} ${event.resourceid}@${version} ${code}`);
    for (const mailbox of this.#ledger.lives(direction, agent))
      mailbox.noteDeadLetter(version, content, code);
    if (code === "expired" ? wallTime >= expiresAtMs : this.explains(direction, agent, content, code)) return;
    this.#findings.violation("a dead letter has a reason", `${direction} ${agent} ${content}: ${code}`);
  }

  /** Whether an event with this content may have become a dead letter with this code. */
  explains(direction: Direction, agent: string, content: string, code: string): boolean {
    if (code === "expired") return content.startsWith("command");
    return code === "handler_rejected" && this.#rejecting.has(keyOf(direction, agent, content));
  }
}

function keyOf(direction: Direction, agent: string, content: string): string {
  return `${direction} ${agent} ${content}`;
}
