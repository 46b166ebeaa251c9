import { fullJitter, pause, type Random, type Timers } from "@hawser/runtime";
import { CommandError, EXIT_CODES } from "../exit-codes.js";
import { reasonOf, Refusal, send, type Server } from "./http.js";
import { SseParser, type ServerSentEvent } from "./sse-parser.js";

export interface FollowOptions {
  readonly server: Server;
  readonly path: string;
  readonly timers: Timers;
  readonly random: Random;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The principal answers with the stream, the first time and each time after. @param from the id it goes on behind; undefined when it begins anew */
  readonly onOpen: (from: string | undefined) => void;
  readonly onEvent: (event: ServerSentEvent) => void;
  /** The stream broke off and will be asked for again in so many milliseconds. */
  readonly onInterrupted: (reason: string, retryInMs: number) => void;
  readonly onResumed: () => void;
  /** Where to begin; undefined: with what happens from now on. */
  readonly lastEventId?: string;
}

/** The principal says something every 15 s; twice that and a little more is a stream that has died. */
const SILENCE_TIMEOUT_MS = 40_000;
const RETRY = { floorMs: 250, baseMs: 250, factor: 2, capMs: 10_000 } as const;
/** Codes that no second try will change. */
const FINAL_STATUSES = new Set([400, 401, 403, 404, 405]);

/**
 * Reads a server-sent event stream until it is told to end, and resumes it with `Last-Event-ID` when it breaks off: full jitter over an exponential with a floor,
 * begun anew once an event was heard.
 *
 * @throws CommandError when the first connection fails, or when the principal refuses for good
 */
export async function followStream(options: FollowOptions): Promise<void> {
  let lastEventId = options.lastEventId || undefined;
  let failures = 0;
  let opened = false;
  let broken = false;
  while (!options.signal.aborted) {
    let reason = "the stream ended";
    try {
      await readOnce(
        options,
        lastEventId,
        (events, id) => {
          if (broken) options.onResumed();
          broken = false;
          if (events.length > 0) failures = 0;
          if (id !== undefined) lastEventId = id || undefined;
          for (const event of events) options.onEvent(event);
        },
        () => {
          opened = true;
          options.onOpen(lastEventId);
        },
      );
    } catch (thrown) {
      if (options.signal.aborted) return;
      if (!opened || (thrown instanceof Refusal && FINAL_STATUSES.has(thrown.status))) throw thrown;
      reason = thrown instanceof CommandError ? reasonOf(thrown.cause ?? thrown) : reasonOf(thrown);
    }
    if (options.signal.aborted) return;
    failures += 1;
    broken = true;
    const retryInMs = fullJitter(options.random, RETRY, failures);
    options.onInterrupted(reason, retryInMs);
    await pause(options.timers, retryInMs, options.signal);
  }
}

async function readOnce(
  { server, path, timers, signal }: FollowOptions,
  lastEventId: string | undefined,
  onChunk: (events: readonly ServerSentEvent[], lastEventId: string | undefined) => void,
  onOpen: () => void,
): Promise<void> {
  const silence = new AbortController();
  let watchdog = timers.after(SILENCE_TIMEOUT_MS, () => silence.abort());
  const heard = (): void => {
    watchdog.cancel();
    watchdog = timers.after(SILENCE_TIMEOUT_MS, () => silence.abort());
  };
  try {
    const response = await send(server, path, {
      accept: "text/event-stream",
      signal: AbortSignal.any([signal, silence.signal]),
      ...(lastEventId === undefined ? {} : { headers: { "last-event-id": lastEventId } }),
    });
    if (response.header("content-type")?.startsWith("text/event-stream") !== true) {
      response.abandon();
      throw new CommandError(EXIT_CODES.failed, `${server.url} has no such stream; update the principal`);
    }
    onOpen();
    const parser = new SseParser();
    const decoder = new TextDecoder();
    for await (const chunk of response.chunks()) {
      heard();
      const events = parser.push(decoder.decode(chunk, { stream: true }));
      onChunk(events, parser.lastEventId);
    }
  } catch (thrown) {
    if (silence.signal.aborted)
      // Without a cause: that is the abort of our own, and would be told instead.
      throw new CommandError(EXIT_CODES.failed, `nothing was heard for ${SILENCE_TIMEOUT_MS / 1000} s`);
    throw thrown;
  } finally {
    watchdog.cancel();
  }
}
