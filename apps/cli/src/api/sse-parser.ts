/** One server-sent event (HTML Standard, section 9.2). */
export interface ServerSentEvent {
  /** The last id of the stream so far; undefined when it gave none. */
  readonly id: string | undefined;
  /** `message` when the stream gave no name. */
  readonly event: string;
  readonly data: string;
}

/** The longest event that is taken: more than the API ever sends, and an end for a server that never ends a line. */
export const MAX_EVENT_LENGTH = 4_194_304;

/** Cuts a text stream into events; chunks may end anywhere. */
export class SseParser {
  #rest = "";
  #id: string | undefined;
  #lastEventId: string | undefined;
  #event = "";
  #data: string[] = [];
  #length = 0;

  /** What to come back with: also from blocks that hold an id and nothing else. Empty when the stream took it back. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** The events that are complete with this chunk; comments and retry times are not told. @throws RangeError beyond MAX_EVENT_LENGTH */
  push(chunk: string): readonly ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    // An ending \r may be the first half of \r\n: it waits for the next chunk.
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      this.#length += line.length;
      if (line !== "") this.#field(line);
      else {
        const event = this.#dispatch();
        if (event !== undefined) events.push(event);
      }
    }
    if (this.#length + this.#rest.length > MAX_EVENT_LENGTH)
      throw new RangeError(`an event is longer than ${MAX_EVENT_LENGTH} characters`);
    return events;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #dispatch(): ServerSentEvent | undefined {
    const event = this.#event || "message";
    const data = this.#data;
    this.#event = "";
    this.#data = [];
    this.#length = 0;
    this.#lastEventId = this.#id;
    return data.length === 0 ? undefined : { id: this.#id, event, data: data.join("\n") };
  }
}
