import type { ReadPlan } from "./commit-item.js";
import { decodeComponent, encodeComponent } from "./key-text.js";
import { idempotencyKey, idempotencyOrderKey } from "./keys.js";
import type { MailboxMeta } from "./counters.js";
import type { Transaction } from "./transaction.js";

/** When the limit was lowered, one append forgets at most this many, so that none has to pay for the whole difference. */
const MAX_FORGOTTEN_AT_ONCE = 16;

/** What remembering one more key takes. */
export interface RingStep {
  readonly forget: readonly string[];
  readonly meta: MailboxMeta;
  readonly put: readonly (readonly [key: string, value: string])[];
}

/** The idempotency keys of a mailbox, oldest forgotten first. */
export class IdempotencyRing {
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  /** @param meta of the mailbox, as committed */
  reads(plan: ReadPlan, peer: string, key: string, meta: Readonly<MailboxMeta> | undefined): void {
    plan.keys.add(idempotencyKey(peer, key));
    if (meta === undefined) return;
    const added = plan.ordinal(idempotencyKey(peer, ""));
    if (meta.keyNext - meta.keyFirst + added >= this.#maxKeys) {
      plan.keys.add(idempotencyOrderKey(peer, meta.keyFirst + added));
    }
  }

  /** The version accepted under `key`. */
  async find(tx: Transaction, peer: string, key: string): Promise<number | undefined> {
    const version = await tx.get(idempotencyKey(peer, key));
    return version === undefined ? undefined : Number(version);
  }

  /** What it takes to remember `key`; reads only. */
  async plan(
    tx: Transaction,
    peer: string,
    meta: Readonly<MailboxMeta>,
    key: string,
    version: number,
  ): Promise<RingStep> {
    const forget: string[] = [];
    let { keyFirst } = meta;
    while (
      meta.keyNext + 1 - keyFirst > this.#maxKeys &&
      keyFirst < meta.keyNext &&
      forget.length < MAX_FORGOTTEN_AT_ONCE * 2
    ) {
      const orderKey = idempotencyOrderKey(peer, keyFirst++);
      const oldest = await tx.get(orderKey);
      forget.push(orderKey);
      if (oldest !== undefined) forget.push(idempotencyKey(peer, decodeComponent(oldest)));
    }
    const put = [
      [idempotencyKey(peer, key), String(version)],
      [idempotencyOrderKey(peer, meta.keyNext), encodeComponent(key)],
    ] as const;
    return { forget, put, meta: { ...meta, keyFirst, keyNext: meta.keyNext + 1 } };
  }

  apply(tx: Transaction, step: RingStep): MailboxMeta {
    for (const key of step.forget) tx.remove(key);
    for (const [key, value] of step.put) tx.put(key, value);
    return step.meta;
  }
}
