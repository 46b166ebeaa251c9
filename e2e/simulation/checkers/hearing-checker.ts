import type { Timers } from "@hawser/runtime";
import type { Findings } from "../findings.js";

/** Somebody who holds a mailbox of a store that others use as well. */
export interface Listener {
  readonly process: string;
  readonly isAlive: () => boolean;
  /** It was told of every version up to this one, or told to read. */
  heard: number;
  /** It lost the mailbox, or gave it up. */
  isOver: boolean;
}

/**
 * Whoever holds a mailbox hears of each event that another process has accepted for it, within the bound and whatever wake-ups get lost; or hears that it has lost the mailbox.
 */
export class HearingChecker {
  readonly #findings: Findings;
  readonly #timers: Timers;
  readonly #withinMs: number;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(findings: Findings, timers: Timers, withinMs: number) {
    this.#findings = findings;
    this.#timers = timers;
    this.#withinMs = withinMs;
  }

  opened(agent: string, listener: Listener): void {
    const listeners = this.#listeners.get(agent) ?? new Set();
    this.#listeners.set(agent, listeners.add(listener));
  }

  accepted(agent: string, version: number): void {
    const listeners = this.#listeners.get(agent) ?? new Set<Listener>();
    for (const listener of listeners) if (isDeaf(listener)) listeners.delete(listener);
    const late = [...listeners].filter(({ heard }) => heard < version);
    if (late.length > 0) this.#timers.after(this.#withinMs, () => this.#check(agent, version, late));
  }

  #check(agent: string, version: number, listeners: readonly Listener[]): void {
    for (const listener of listeners)
      if (!isDeaf(listener) && listener.heard < version)
        this.#findings.violation(
          "a holder hears of what others accept",
          `${listener.process} of ${version} for ${agent}, heard up to ${listener.heard}`,
        );
  }
}

function isDeaf({ isOver, isAlive }: Listener): boolean {
  return isOver || !isAlive();
}
