import { createHmac } from "node:crypto";

/** What a request is signed by (Standard Webhooks 1.0.0, Signature scheme). */
export interface Signed {
  /** Names the delivery: the same for each try of the same events. */
  readonly id: string;
  /** Unix seconds of this try. */
  readonly timestamp: number;
  readonly body: string | Uint8Array;
}

/** The headers of a signed request. The receiver computes the same over the bytes of the body, and refuses what is too old. */
export function signatureHeaders(secret: string, { id, timestamp, body }: Signed): Record<string, string> {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${mac}` };
}
