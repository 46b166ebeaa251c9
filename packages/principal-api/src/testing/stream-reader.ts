/** A server-sent event, as a reader sees it. */
export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** Reads a stream piece by piece, and only when it is asked to. */
export class StreamReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #id: string | undefined;

  constructor(response: Response) {
    if (response.body === null) throw new Error("the answer has no body");
    this.#reader = response.body.getReader();
  }

  /** The id a browser would give back. */
  get lastEventId(): string | undefined {
    return this.#id;
  }

  /** The next piece as it was sent; undefined at the end. */
  async text(): Promise<string | undefined> {
    const { done, value } = await this.#reader.read();
    if (done) return undefined;
    const text = new TextDecoder().decode(value);
    for (const [, id] of text.matchAll(/^id: (.*)$/gm)) this.#id = id;
    return text;
  }

  /** The events of the next piece; undefined at the end. */
  async events(): Promise<readonly ReadEvent[] | undefined> {
    const text = await this.text();
    return text === undefined ? undefined : parseEvents(text);
  }

  /** Everything until the stream ends. */
  async rest(): Promise<readonly ReadEvent[]> {
    const all: ReadEvent[] = [];
    for (;;) {
      const events = await this.events();
      if (events === undefined) return all;
      all.push(...events);
    }
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

function parseEvents(text: string): readonly ReadEvent[] {
  return text
    .split("\n\n")
    .map((block) =>
      Object.fromEntries([...block.matchAll(/^(id|event|data): (.*)$/gm)].map(([, k = "", v]) => [k, v])),
    )
    .flatMap(({ id, event, data }) =>
      event === undefined || data === undefined
        ? []
        : [{ id, event, data: JSON.parse(data) as Record<string, unknown> }],
    );
}
