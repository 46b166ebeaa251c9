import type { Identity } from "./identity.js";

/** Somebody threw away what was pending, of one subject or all of it. */
interface Purge {
  readonly subject: string | undefined;
  /** Whatever was pending up to this version is gone once it is answered. */
  readonly from: number;
  /** Nothing behind this version is touched. */
  upTo: number;
  /** How many events went; undefined where nobody was told. */
  count: number | undefined;
  /** When somebody was told, in virtual milliseconds. */
  answeredAtMs: number;
  /** The receiver lost its store since: states go to it again. */
  wasUndone: boolean;
}

/** What was thrown away of one mailbox, by whoever purged it. */
export class Purges {
  readonly #purges: Purge[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Somebody begins to purge what is pending up to this version at least. */
  begin(
    subject: string | undefined,
    from: number,
  ): { readonly answered: (count: number) => void; readonly ended: (upTo: number) => void } {
    const purge: Purge = {
      subject,
      from,
      upTo: Number.POSITIVE_INFINITY,
      count: undefined,
      answeredAtMs: Number.POSITIVE_INFINITY,
      wasUndone: false,
    };
    this.#purges.push(purge);
    return {
      answered: (count) => {
        purge.count = count;
        purge.answeredAtMs = this.#now();
      },
      ended: (upTo) => {
        purge.upTo = upTo;
      },
    };
  }

  /** The receiver has another store, or forgot this one: it is told all retained states again. */
  undo(): void {
    for (const purge of this.#purges) purge.wasUndone = true;
  }

  /** Whether this event may have been purged. What a command is about is not told by its subject. */
  mayHold({ version, subject, resourceid }: Pick<Identity, "version" | "subject" | "resourceid">): boolean {
    return this.#purges.some((purge) => {
      const name = purge.subject?.slice(purge.subject.indexOf("/") + 1);
      const isMeant = name === undefined || subject === purge.subject || resourceid.startsWith(`${name}_`);
      return isMeant && version <= purge.upTo;
    });
  }

  /** Whether this event, if it was pending then, is certainly purged, and whoever asked was told so by then, in virtual milliseconds. */
  holds({ version, subject, eventClass }: Identity, byMs: number): boolean {
    return this.#purges.some(
      (purge) =>
        purge.answeredAtMs <= byMs &&
        version <= purge.from &&
        (purge.subject === undefined || purge.subject === subject) &&
        (eventClass === "command" || !purge.wasUndone),
    );
  }

  /** How many events were purged; undefined where somebody was not told. */
  get count(): number | undefined {
    let sum = 0;
    for (const { count } of this.#purges) {
      if (count === undefined) return undefined;
      sum += count;
    }
    return sum;
  }
}
