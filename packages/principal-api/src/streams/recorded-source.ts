import type { EventFilter } from "../event-log/event-filter.js";
import type { EventLog } from "../event-log/event-log.js";
import { recordedJson } from "../routes/agent-event-routes.js";
import { formatStreamId, parseStreamId } from "./stream-id.js";
import type { StreamGap } from "./stream-observer.js";
import { serverSentEvent, serverSentId, type StreamPiece, type StreamSource } from "./stream-source.js";

/** Read and handed to the connection at a time. */
const AT_A_TIME = 100;
const BYTES_AT_A_TIME = 262_144;

export interface RecordedSourceOptions {
  readonly filter: EventFilter;
  /** Where the reader was; undefined: it begins. */
  readonly lastEventId: string | undefined;
  /** The position to begin behind; undefined: with what is recorded from now on. */
  readonly after: number | undefined;
  /** The reader is told that it may not have heard of everything. */
  readonly onGap?: (reason: StreamGap) => void;
}

/** One reader's place in the event log. It is read from the disk as fast as the reader takes it, so a slow one falls behind and misses nothing, unless the log has to let go of what it has not read. */
export class RecordedStreamSource implements StreamSource {
  readonly #log: EventLog;
  readonly #filter: EventFilter;
  readonly #onGap: (reason: StreamGap) => void;
  /** Everything of interest up to here was told. */
  #through: number;
  /** Whether it is still to be told where it begins. */
  #isGreeting = true;
  #gap: StreamGap | undefined;
  /** That events up to here may be missing, the reader knows. */
  #toldMissing: number;
  #unlisten: () => void = () => {};

  constructor(log: EventLog, { filter, lastEventId, after, onGap = () => {} }: RecordedSourceOptions) {
    this.#log = log;
    this.#filter = filter;
    this.#onGap = onGap;
    const { newest, missingThrough } = log.stats;
    const begun = after ?? newest;
    const known = lastEventId === undefined ? begun : parseStreamId(bootOf(log), lastEventId);
    const isKnown = known !== undefined && known <= newest;
    this.#through = isKnown ? known : 0;
    if (!isKnown) this.#gap = "unknown_id";
    // Whoever does not go on from somewhere misses nothing by what was let go before.
    this.#toldMissing = isKnown && known > 0 ? 0 : missingThrough;
  }

  get position(): string {
    return formatStreamId(bootOf(this.#log), this.#through);
  }

  async next(): Promise<StreamPiece> {
    const greeting = this.#greet();
    const before = this.#through;
    if (before >= this.#log.stats.newest)
      return greeting === "" ? { kind: "idle" } : { kind: "text", text: greeting };
    const { items, through } = await this.#log.read({
      after: before,
      limit: AT_A_TIME,
      maxBytes: BYTES_AT_A_TIME,
      filter: this.#filter,
    });
    this.#through = Math.max(before, through);
    const told = items.map((recorded) => {
      const id = formatStreamId(bootOf(this.#log), recorded.position);
      return serverSentEvent("recorded", recordedJson(recorded), id);
    });
    const isBeyond = items.at(-1)?.position !== this.#through;
    return { kind: "text", text: greeting + told.join("") + (isBeyond ? serverSentId(this.position) : "") };
  }

  onceReady(wake: () => void): () => void {
    this.#unlisten();
    this.#unlisten = this.#log.listen(() => {
      this.#unlisten();
      wake();
    });
    return this.#unlisten;
  }

  close(): void {
    this.#unlisten();
  }

  /** Where it begins, and whether something may be missing before what comes next. */
  #greet(): string {
    const { missingThrough } = this.#log.stats;
    if (missingThrough > Math.max(this.#through, this.#toldMissing)) this.#gap ??= "lagged";
    const [gap, isGreeting] = [this.#gap, this.#isGreeting];
    this.#gap = undefined;
    this.#isGreeting = false;
    if (gap === undefined) return isGreeting ? serverSentId(this.position) : "";
    this.#toldMissing = missingThrough;
    this.#onGap(gap);
    const message =
      gap === "unknown_id"
        ? "the id is of another log, whose events are not here; these are all there are"
        : "the log has let go of events that were not read; these are all that are left";
    return serverSentEvent("gap", { message }, this.position);
  }
}

/** Positions of another log say nothing here. */
function bootOf({ id }: EventLog): string {
  return id.slice(0, 8);
}
