import type { Clock } from "@hawser/runtime";
import type { ReadPlan } from "../commit/write.js";
import type { MailboxMeta } from "../layout/counters.js";
import { decodeComponent, encodeComponent } from "../layout/key-text.js";
import { idempotencyKey, idempotencyOrderKey } from "../layout/keys.js";
import type { MailboxLimits } from "../contract/limits.js";
import { decodeKeyRow, encodeKeyRow, type KeyRow, type StoredKeyRow } from "../layout/rows.js";
import type { MailboxDraft } from "../commit/mailbox-draft.js";
import type { Transaction } from "../commit/transaction.js";

/** Obsolete rows are removed after so many keys, so that few appends have to look. */
const SWEEP_EVERY = 256;
/** Rows looked at then: more than were added, so that rows of a lowered limit go, too. */
const SWEPT_PER_KEY = 4;

type RingCounters = Pick<MailboxMeta, "keyFirst" | "keyNext" | "keyCount">;

/** What remembering one more key takes. */
export interface RingStep {
  readonly forget: readonly string[];
  readonly counters: RingCounters;
  readonly put: readonly (readonly [key: string, value: string])[];
}

/**
 * The idempotency keys of a mailbox. The key of a pending event counts. Any other counts while it
 * is among the last `maxIdempotencyKeys` and not older than `maxIdempotencyAgeMs`.
 *
 * Rows lie in the order in which they were written. Obsolete ones are removed from the front, many
 * at a time; the key of a pending event moves to the end. So there are no more rows than keys that
 * count, and some that are not removed yet.
 */
export class IdempotencyRing {
  readonly #maxKeys: number;
  readonly #maxAgeMs: number;
  readonly #sweepEvery: number;
  readonly #clock: Clock;

  constructor(limits: Pick<MailboxLimits, "maxIdempotencyKeys" | "maxIdempotencyAgeMs">, clock: Clock) {
    this.#maxKeys = limits.maxIdempotencyKeys;
    this.#maxAgeMs = limits.maxIdempotencyAgeMs;
    this.#sweepEvery = Math.min(SWEEP_EVERY, this.#maxKeys);
    this.#clock = clock;
  }

  reads(plan: ReadPlan, peer: string, key: string): void {
    plan.keys.add(idempotencyKey(peer, key));
  }

  /** The version accepted under `key`. */
  async find(tx: Transaction, peer: string, key: string): Promise<number | undefined> {
    const rowKey = idempotencyKey(peer, key);
    const text = await tx.get(rowKey);
    const mailbox = tx.mailboxOf(peer);
    if (text === undefined || mailbox === undefined) return undefined;
    const row = decodeKeyRow(text, rowKey);
    if (this.#counts(row, mailbox.counters)) return row.version;
    const pending = await tx.pendingOf(peer, [row.version]);
    return pending.has(row.version) ? row.version : undefined;
  }

  /** What it takes to remember `key`; reads only. */
  async plan(
    tx: Transaction,
    peer: string,
    { keyFirst, keyNext, keyCount }: RingCounters,
    key: string,
    version: number,
  ): Promise<RingStep> {
    const row: KeyRow = { version, ordinal: keyCount, place: keyNext, atMs: this.#clock.wallTime() };
    const next = { keyFirst, keyNext: keyNext + 1, keyCount: keyCount + 1 };
    const put: [string, string][] = [
      [idempotencyKey(peer, key), encodeKeyRow(row)],
      [idempotencyOrderKey(peer, keyNext), encodeComponent(key)],
    ];
    if (next.keyCount % this.#sweepEvery !== 0) return { forget: [], put, counters: next };
    const swept = await this.#sweep(tx, peer, next);
    return { ...swept, put: [...swept.put, ...put] };
  }

  apply(tx: Transaction, mailbox: MailboxDraft, { forget, put, counters }: RingStep): void {
    for (const key of forget) tx.remove(key);
    for (const [key, value] of put) tx.put(key, value);
    mailbox.set(counters);
  }

  #counts({ ordinal, atMs }: StoredKeyRow, { keyCount }: Pick<RingCounters, "keyCount">): boolean {
    // Of a row that was written before ages counted, only its place is known.
    const isYoung = atMs === undefined || this.#clock.wallTime() - atMs <= this.#maxAgeMs;
    return isYoung && (ordinal === undefined || keyCount - ordinal <= this.#maxKeys);
  }

  async #sweep(tx: Transaction, peer: string, counters: RingCounters): Promise<RingStep> {
    const forget: string[] = [];
    const put: [string, string][] = [];
    let { keyFirst, keyNext } = counters;
    const rows = await this.#oldest(tx, peer, counters);
    const versions = rows.flatMap(({ row }) => (row === undefined ? [] : [row.version]));
    const pending = await tx.pendingOf(peer, versions);
    for (const { place, key, row } of rows) {
      // Forgotten, and accepted again since: the row belongs to another place.
      const isMine = row !== undefined && (row.place ?? place) === place;
      const ordinal = row?.ordinal ?? place;
      if (isMine && this.#counts({ ...row, ordinal }, counters)) break;
      keyFirst = place + 1;
      forget.push(idempotencyOrderKey(peer, place));
      if (!isMine || key === undefined) continue;
      const rowKey = idempotencyKey(peer, key);
      if (pending.has(row.version)) {
        put.push([rowKey, encodeKeyRow({ version: row.version, atMs: row.atMs, ordinal, place: keyNext })]);
        put.push([idempotencyOrderKey(peer, keyNext), encodeComponent(key)]);
        keyNext += 1;
      } else forget.push(rowKey);
    }
    return { forget, put, counters: { ...counters, keyFirst, keyNext } };
  }

  /** The rows at the front, read in two goes. */
  async #oldest(
    tx: Transaction,
    peer: string,
    { keyFirst, keyNext }: RingCounters,
  ): Promise<readonly { place: number; key: string | undefined; row: StoredKeyRow | undefined }[]> {
    // The last one is just being written.
    const count = Math.min(keyNext - 1 - keyFirst, this.#sweepEvery * SWEPT_PER_KEY);
    const places = Array.from({ length: count }, (_, index) => keyFirst + index);
    await tx.prefetch(new Set(places.map((place) => idempotencyOrderKey(peer, place))));
    const keys: (string | undefined)[] = [];
    for (const place of places) {
      const encoded = await tx.get(idempotencyOrderKey(peer, place));
      keys.push(encoded === undefined ? undefined : decodeComponent(encoded));
    }
    await tx.prefetch(new Set(keys.flatMap((key) => (key === undefined ? [] : [idempotencyKey(peer, key)]))));
    return Promise.all(
      places.map(async (place, index) => {
        const key = keys[index];
        const rowKey = key === undefined ? undefined : idempotencyKey(peer, key);
        const text = rowKey === undefined ? undefined : await tx.get(rowKey);
        const row = text === undefined || rowKey === undefined ? undefined : decodeKeyRow(text, rowKey);
        return { place, key, row };
      }),
    );
  }
}
