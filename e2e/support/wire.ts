/** How a connection ended, as its client saw it. No code: it was cut. */
export interface WireEnd {
  readonly code: number | undefined;
  readonly reason: string;
}

/** A connection on which anything can be said. */
export interface Wire {
  /** What the server sent, message by message. */
  readonly frames: readonly (string | Uint8Array)[];
  readonly ended: Promise<WireEnd>;
  sendFrame(payload: string | Uint8Array): void;
  sendBytes(bytes: Uint8Array): void;
  /** Stops to read, as a process that hangs does. */
  pause(): void;
  resume(): void;
  cut(): void;
}
