/** What a reader gets next. */
export type StreamPiece =
  | { readonly kind: "text"; readonly text: string }
  /** All has been told; `onceReady` calls when there is more. */
  | { readonly kind: "idle" }
  /** The last words. */
  | { readonly kind: "end"; readonly text: string };

/** One reader's place in a stream of server-sent events. It is asked only when the reader can take more, so that nothing piles up for a slow one. */
export interface StreamSource {
  next(): StreamPiece | Promise<StreamPiece>;
  /** Everything up to this id has been told. */
  readonly position: string | undefined;
  /** Calls back once; answers with what takes it back. */
  onceReady(wake: () => void): () => void;
  /** The reader has gone. */
  close(): void;
}

/** One server-sent event (HTML Standard, section 9.2). */
export function serverSentEvent(event: string, data: unknown, id?: string): string {
  // JSON has its line ends escaped, so that the data is one line.
  const fields = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  return id === undefined ? fields : `id: ${id}\n${fields}`;
}

/** Gives the reader an id to come back with, and nothing to act on. */
export function serverSentId(id: string): string {
  return `id: ${id}\n\n`;
}
