import { HawserError } from "@hawser/protocol";
import type { Acknowledgements } from "./acknowledgements.js";
import type { RecoveringDisk } from "../commit/recovering-disk.js";
import type { OpenDisk, Row } from "../disk/disk.js";
import { decodeEvent } from "../layout/event-text.js";
import { decodeComponent, SEPARATOR } from "../layout/key-text.js";
import { deadLetterKey, peerRange, receivedKey, sentKey } from "../layout/keys.js";
import type { Direction, Page, RetainedState, RetainedStates } from "../contract/retained.js";
import { decodeReceived, decodeSent } from "../layout/rows.js";

const MAX_PAGE = 1_000;

/** Reads retained state straight from the disk. */
export class RetainedReading implements RetainedStates {
  readonly #disk: RecoveringDisk;
  readonly #acknowledgements: Acknowledgements;

  constructor(disk: RecoveringDisk, acknowledgements: Acknowledgements) {
    this.#disk = disk;
    this.#acknowledgements = acknowledgements;
  }

  async get(peer: string, direction: Direction, subject: string): Promise<RetainedState | undefined> {
    const disk = await this.#disk.current();
    const key = rowKey(peer, direction, subject);
    const [value] = await disk.get([key]);
    if (value === undefined) return undefined;
    const [state] = await this.#states(disk, peer, direction, [[key, value]]);
    return state;
  }

  async list(peer: string, direction: Direction, page: Page): Promise<readonly RetainedState[]> {
    const disk = await this.#disk.current();
    const after = page.after === undefined ? undefined : rowKey(peer, direction, page.after);
    const rows = await disk.range(peerRange(direction, peer, checkPageLimit(page.limit), after));
    return this.#states(disk, peer, direction, rows);
  }

  async #states(
    disk: OpenDisk,
    peer: string,
    direction: Direction,
    rows: readonly Row[],
  ): Promise<readonly RetainedState[]> {
    if (direction === "received") return rows.map(receivedState);
    const states = rows.map(sentState);
    // In this order: what becomes a dead letter between the two is then both, and never neither.
    const pending = await disk.hasEntries(states.map(({ version }) => ({ peer, version })));
    const deadLetters = await disk.get(states.map(({ version }) => deadLetterKey(peer, version)));
    const read = states.map(
      (state, index): RetainedState => ({
        ...state,
        pending: pending[index] === true && !this.#acknowledgements.has(peer, state.version),
        refusal: deadLetters[index] === undefined ? state.refusal : "dead_letter",
      }),
    );
    return this.#lookAgain(disk, peer, read);
  }

  /** An event purged or discarded meanwhile looks delivered. That commit marked the row. */
  async #lookAgain(
    disk: OpenDisk,
    peer: string,
    states: readonly RetainedState[],
  ): Promise<readonly RetainedState[]> {
    const keys = states
      .filter(({ pending, refusal }) => !pending && refusal === undefined)
      .map(({ subject }) => sentKey(peer, subject));
    if (keys.length === 0) return states;
    const values = await disk.get(keys);
    const present = new Map(keys.map((key, index) => [key, values[index]]));
    return states.flatMap((state) => {
      const key = sentKey(peer, state.subject);
      if (!present.has(key)) return [state];
      const value = present.get(key);
      if (value === undefined) return [];
      const now = sentState([key, value]);
      // A newer one was accepted in this moment.
      return [{ ...now, pending: now.version > state.version }];
    });
  }
}

function rowKey(peer: string, direction: Direction, subject: string): string {
  return direction === "sent" ? sentKey(peer, subject) : receivedKey(peer, subject);
}

function sentState([key, value]: Row): RetainedState {
  const { event, givenUp: refusal } = decodeSent(value, key);
  return { subject: subjectOfKey(key), version: Number(event.eventid), event, pending: false, refusal };
}

function receivedState([key, value]: Row): RetainedState {
  const { version, text } = decodeReceived(value, key);
  const event = decodeEvent(text, key);
  return { subject: subjectOfKey(key), version, event, pending: false, refusal: undefined };
}

function subjectOfKey(key: string): string {
  return decodeComponent(key.slice(key.indexOf(SEPARATOR) + 1));
}

/** @throws HawserError `invalid_config` when `limit` is not 1 to 1,000 */
export function checkPageLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return limit;
  throw new HawserError("invalid_config", `limit is ${limit}; a page has 1 to ${MAX_PAGE}`);
}
