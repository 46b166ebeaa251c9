import { systemClock } from "@hawser/runtime";

export interface FirstSync {
  readonly ms: number;
  readonly bytes: number;
}

/** One reader of `/v1/streams/agents`, which takes everything as fast as it comes. */
export class StreamReader {
  readonly #abort = new AbortController();
  readonly #url: string;
  /** Events heard, of all names. */
  told = 0;
  bytes = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves once all agents have been told; goes on reading what changes. */
  async open(): Promise<FirstSync> {
    const from = systemClock.now();
    const response = await fetch(this.#url, { signal: this.#abort.signal });
    if (!response.ok || response.body === null) throw new Error(`${this.#url} answers ${response.status}`);
    const chunks = response.body[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await chunks.next();
      if (done === true) throw new Error("the stream ended before all agents were told");
      if (this.#heard(value).includes("event: synced")) break;
    }
    const synced = { ms: systemClock.now() - from, bytes: this.bytes };
    void this.#readOn(chunks);
    return synced;
  }

  close(): void {
    this.#abort.abort();
  }

  async #readOn(chunks: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await chunks.next();
        if (done === true) return;
        this.#heard(value);
      }
    } catch (thrown) {
      if (!this.#abort.signal.aborted) throw thrown;
    }
  }

  #heard(chunk: Uint8Array): string {
    const text = Buffer.from(chunk).toString("latin1");
    this.bytes += chunk.byteLength;
    this.told += text.split("\nevent: ").length - 1;
    return text;
  }
}
