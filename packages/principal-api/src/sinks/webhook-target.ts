import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import type { WebhookTarget } from "./sink-definition.js";
import { binaryMessage, jsonMembers, sinkEvent } from "./sink-event.js";
import type { SinkAnswer, SinkTarget } from "./sink-target.js";
import { WebhookClient, type WebhookAnswer, type WebhookRequest } from "./webhook-request.js";
import { signatureHeaders } from "./webhook-signature.js";

/** Requests to one receiver at once: each carries one event. */
const CONCURRENCY = 8;
/** Events of one request in batch mode, of which one is under way. */
const MAX_EVENTS_OF_BATCH = 100;
/** Statuses by which a receiver says that it is this event that is wrong (RFC 9110, section 15.5; RFC 6585, section 5). */
const WRONG_EVENT: ReadonlySet<number> = new Set([400, 413, 415, 422, 431]);

export interface WebhookTargetOptions {
  /** The name of the sink. */
  readonly name: string;
  readonly settings: WebhookTarget;
  readonly allowLocal: boolean;
  readonly runtime: Runtime;
}

/** Posts events to an address. */
export function createWebhookTarget({
  name,
  settings,
  allowLocal,
  runtime,
}: WebhookTargetOptions): SinkTarget {
  const isBatch = settings.mode === "batch";
  const concurrency = isBatch ? 1 : CONCURRENCY;
  const client = new WebhookClient({
    url: settings.url,
    connections: concurrency,
    allowLocal,
    wallTime: () => runtime.clock.wallTime(),
  });

  async function deliver(batch: readonly RecordedEvent[], stopped: AbortSignal): Promise<SinkAnswer> {
    let request: WebhookRequest;
    try {
      request = signed(batch, messageOf(batch, settings));
    } catch (thrown) {
      return { kind: "failed", message: HawserError.from(thrown).message, isOfEvent: true };
    }
    return post(request, stopped);
  }

  function signed(batch: readonly RecordedEvent[], { headers, body }: WebhookRequest): WebhookRequest {
    const { secret, headers: given } = settings;
    const timestamp = Math.floor(runtime.clock.wallTime() / 1_000);
    const signature =
      secret === undefined ? {} : signatureHeaders(secret, { id: deliveryId(name, batch), timestamp, body });
    return { headers: { ...given, ...headers, ...signature }, body };
  }

  async function post(request: WebhookRequest, stopped: AbortSignal): Promise<SinkAnswer> {
    const given = new AbortController();
    const giveUp = (): void => given.abort();
    const timer = runtime.timers.after(settings.timeoutMs, giveUp);
    // One listener for as long as the delivery lasts: `AbortSignal.any` would leave something at the sink's own signal with each.
    stopped.addEventListener("abort", giveUp);
    if (stopped.aborted) giveUp();
    try {
      return judge(await client.post(request, given.signal));
    } catch (thrown) {
      const { code, message } = HawserError.from(thrown);
      return { kind: "failed", message, isOfEvent: code === "invalid_event" };
    } finally {
      timer.cancel();
      stopped.removeEventListener("abort", giveUp);
    }
  }

  return {
    maxBatch: isBatch ? MAX_EVENTS_OF_BATCH : 1,
    concurrency,
    deliver,
    close: async () => client.close(),
  };
}

/** The same for each try of the same events, so that a receiver knows them again. */
function deliveryId(name: string, batch: readonly RecordedEvent[]): string {
  const [first, last] = [batch.at(0), batch.at(-1)];
  return first === last ? `${name}-${first?.position}` : `${name}-${first?.position}-${last?.position}`;
}

function messageOf(batch: readonly RecordedEvent[], { mode }: WebhookTarget): WebhookRequest {
  const [first] = batch;
  if (mode === "batch" || first === undefined)
    return {
      headers: { "content-type": "application/cloudevents-batch+json; charset=utf-8" },
      body: JSON.stringify(batch.map((recorded) => jsonMembers(sinkEvent(recorded)))),
    };
  if (mode === "binary") return binaryMessage(sinkEvent(first));
  return {
    headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
    body: JSON.stringify(jsonMembers(sinkEvent(first))),
  };
}

function judge({ status, retryAfterMs }: WebhookAnswer): SinkAnswer {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const message =
    status >= 300 && status < 400 ? `answered ${status}; redirects are not followed` : `answered ${status}`;
  return {
    kind: "failed",
    message,
    isOfEvent: WRONG_EVENT.has(status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    // The receiver has been taken down on purpose (HTTP 1.1 Web Hooks for Event Delivery 1.0.2, section 2.2).
    ...(status === 410 ? { isGone: true } : {}),
  };
}
