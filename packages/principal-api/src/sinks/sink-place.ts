import type { Runtime, Timer } from "@hawser/runtime";
import type { LogHold } from "../event-log/event-log.js";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import type { OpenEvent } from "./open-events.js";

/** How long the place of a sink may lie behind on the disk: after a crash what it delivered meanwhile goes again. */
const SAVE_INTERVAL_MS = 200;

/** What a sink keeps on the disk. Calls reject where the disk fails, and are made again. */
export interface SinkRecords {
  /** Everything of interest up to this position was delivered, or is a dead letter. */
  save(position: number): Promise<void>;
  /** Keeps an event as a dead letter. @throws HawserError `mailbox_full` when there are as many as there may be */
  deadLetter(event: OpenEvent, reason: string): Promise<void>;
  /** Events that were sent again by hand, behind this version. */
  requeued(
    after: number,
    limit: number,
  ): Promise<readonly { readonly version: number; readonly recorded: RecordedEvent }[]>;
  /** A requeued event was delivered. */
  settled(version: number): void;
}

export interface SinkPlaceParts {
  readonly name: string;
  readonly records: Pick<SinkRecords, "save">;
  readonly hold: LogHold;
  readonly runtime: Runtime;
  /** Where it was. */
  readonly saved: number;
  /** Everything up to here is settled. */
  readonly current: () => number;
}

/** How far a sink is, as the disk knows it: written soon after it has moved. */
export class SinkPlace {
  readonly #parts: SinkPlaceParts;
  #saved: number;
  #timer: Timer | undefined;
  #save: Promise<void> = Promise.resolve();

  constructor(parts: SinkPlaceParts) {
    this.#parts = parts;
    this.#saved = parts.saved;
  }

  /** The place may be another one. */
  moved(): void {
    if (this.#parts.current() <= this.#saved) return;
    this.#timer ??= this.#parts.runtime.timers.after(SAVE_INTERVAL_MS, () => {
      this.#save = this.#saveNow().finally(() => {
        this.#timer = undefined;
        this.moved();
      });
    });
  }

  /** Resolves once the place is on disk, or cannot be written. Call it when nothing moves any more. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#save;
    await this.#saveNow();
    this.#timer?.cancel();
    this.#parts.hold.release();
  }

  async #saveNow(): Promise<void> {
    const { name, records, hold, runtime, current } = this.#parts;
    const position = current();
    if (position <= this.#saved) return;
    try {
      await records.save(position);
      this.#saved = position;
      // Only what the disk knows is delivered may go: after a crash it would be missed.
      hold.advance(position);
    } catch (err) {
      runtime.logger.warn({ err, sink: name }, "the place of a sink cannot be written yet");
    }
  }
}
