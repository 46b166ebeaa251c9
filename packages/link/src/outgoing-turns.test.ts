import { SteppedLoop } from "@hawser/testkit";
import { expect, it } from "vitest";
import { OutgoingTurns, type OutgoingShare } from "./outgoing-turns.js";

/** A session that sends as much as it may, whenever it may, of events of one size. */
class Session {
  sent = 0;
  readonly share: OutgoingShare;
  readonly #bytes: number;

  constructor(turns: OutgoingTurns, bytes: number) {
    this.#bytes = bytes;
    this.share = turns.newShare(() => this.send());
  }

  send(count = 1_000): void {
    this.share.begin();
    for (let n = 0; n < count && this.share.hasRoomFor(this.#bytes); n += 1) {
      this.share.sent(this.#bytes);
      this.sent += 1;
    }
  }
}

it("large events of all sessions go one in a turn, and the sessions take turns", () => {
  const loop = new SteppedLoop();
  const turns = new OutgoingTurns(loop);
  const sessions = Array.from({ length: 4 }, () => new Session(turns, 950_000));
  for (const each of sessions) each.send();
  const counts = (): readonly number[] => sessions.map(({ sent }) => sent);
  expect(counts()).toEqual([1, 0, 0, 0]);
  for (let turn = 1; turn < 12; turn += 1) {
    loop.endTurn();
    expect(counts().reduce((sum, each) => sum + each, 0)).toBe(turn + 1);
  }
  // The first asked again before the others had asked at all.
  expect(counts()).toEqual([4, 3, 3, 2]);
});

it("a session with little to send waits for nobody", () => {
  const loop = new SteppedLoop();
  const turns = new OutgoingTurns(loop);
  for (let n = 0; n < 100; n += 1) new Session(turns, 950_000).send();
  const small = new Session(turns, 300);
  small.send(200);
  expect(small.sent).toBe(200);
  expect(small.share.isWaiting).toBe(false);
});

it("a long row of small events goes in several turns, and all of it in the end", () => {
  const loop = new SteppedLoop();
  const session = new Session(new OutgoingTurns(loop), 1_000);
  session.send(400);
  expect(session.sent).toBeLessThanOrEqual(65 + 262 + 17);
  for (let turn = 0; turn < 3; turn += 1) loop.endTurn();
  expect(session.sent).toBeGreaterThanOrEqual(400);
});

it("asks once, however often it is asked", () => {
  const loop = new SteppedLoop();
  const turns = new OutgoingTurns(loop);
  new Session(turns, 950_000).send(1);
  let ready = 0;
  const share = turns.newShare(() => (ready += 1));
  for (let n = 0; n < 10; n += 1) {
    share.begin();
    expect(share.hasRoomFor(100_000)).toBe(false);
  }
  loop.endTurn();
  expect(ready).toBe(1);
  expect(share.hasRoomFor(100_000)).toBe(true);
});
