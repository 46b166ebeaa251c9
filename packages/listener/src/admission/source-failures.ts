/** Below this share of its allowance a source pays for each connection in advance, until it succeeds. */
const CAREFUL_SHARE = 0.5;
/** Seconds of failures allowed at once. */
const BURST_SECONDS = 2;
/** No source waits longer for earlier failures. In seconds. */
const MAX_DEBT_SECONDS = 1;
/** Sources remembered; beyond it, the one that failed least recently is forgotten. */
const MAX_SOURCES = 10_000;

interface Account {
  left: number;
  atMs: number;
}

/**
 * Limits the failed connections of one source: a source whose connections keep failing is admitted
 * no faster than it may fail. Connections that succeed cost nothing, so a fleet behind one address
 * comes back as fast as any other. Pure.
 */
export class SourceFailures<Client extends object> {
  #perSecond: number;
  /** Sources with recent failures, the most recent last. */
  readonly #accounts = new Map<string, Account>();
  /** Admitted clients that their sources have paid for. */
  readonly #paid = new Map<Client, string>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  setRate(perSecond: number): void {
    this.#perSecond = perSecond;
  }

  /** When the next client of this source may be admitted. */
  readyAtMs(source: string, nowMs: number): number {
    const account = this.#refilled(source, nowMs);
    if (account === undefined || account.left >= 1) return nowMs;
    return nowMs + ((1 - account.left) / this.#perSecond) * 1_000;
  }

  admitted(client: Client, source: string, nowMs: number): void {
    const account = this.#refilled(source, nowMs);
    if (account === undefined || account.left >= CAREFUL_SHARE * this.#burst) return;
    account.left -= 1;
    this.#paid.set(client, source);
  }

  failed(client: Client, source: string, nowMs: number): void {
    if (this.#paid.delete(client)) return;
    const account = this.#refilled(source, nowMs) ?? { left: this.#burst, atMs: nowMs };
    this.#accounts.delete(source);
    this.#accounts.set(source, account);
    account.left = Math.max(-MAX_DEBT_SECONDS * this.#perSecond, account.left - 1);
    if (this.#accounts.size <= MAX_SOURCES) return;
    for (const oldest of this.#accounts.keys()) return void this.#accounts.delete(oldest);
  }

  /** The client ended without failing. Without effect after `failed`. */
  settled(client: Client): void {
    const source = this.#paid.get(client);
    if (source === undefined) return;
    this.#paid.delete(client);
    const account = this.#accounts.get(source);
    if (account !== undefined) account.left = Math.min(this.#burst, account.left + 1);
  }

  /** How many sources have to wait now. */
  slowed(nowMs: number): number {
    let count = 0;
    for (const source of this.#accounts.keys()) if (this.readyAtMs(source, nowMs) > nowMs) count += 1;
    return count;
  }

  get #burst(): number {
    return BURST_SECONDS * this.#perSecond;
  }

  /** Undefined for a source with its whole allowance. */
  #refilled(source: string, nowMs: number): Account | undefined {
    const account = this.#accounts.get(source);
    if (account === undefined) return undefined;
    account.left += (Math.max(0, nowMs - account.atMs) / 1_000) * this.#perSecond;
    account.atMs = nowMs;
    if (account.left < this.#burst) return account;
    this.#accounts.delete(source);
    return undefined;
  }
}
