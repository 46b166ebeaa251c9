import { CLOSE_CODES, HawserError, type CloseCode } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { expect } from "vitest";
import { breakStore } from "../broken-store.js";
import type { TestPrincipal } from "./test-principal.js";
import { BACKLOG, backlogNo, eventNo, NARROW, Objector, WIDE_WINDOW } from "./hanging-reader.js";
import type { PrincipalCase } from "./principal-ends.js";
import { WIRES } from "./reconnect-case.js";
import { VIOLATIONS, type Violation } from "./violations.js";

const CODES: readonly number[] = Object.values(CLOSE_CODES);
const isCloseCode = (code: number): code is CloseCode => CODES.includes(code);

const WINDOW = 4;

async function isGone(subject: TestPrincipal, code: string): Promise<void> {
  await subject.time.until(`the principal's log has ${code}`, () =>
    subject.time.log.find((line) => line["code"] === code && line.msg.startsWith("session ended")),
  );
}

function violated({ code, name, on }: Violation): PrincipalCase {
  if (!isCloseCode(code)) throw new Error(`${code} is no close code`);
  const [only, ...more] = WIRES.filter((wire) => on[wire] !== undefined);
  return {
    row: "failed",
    name: `${name}: ${code}`,
    ...(only === undefined || more.length > 0 ? {} : { on: only }),
    code,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.session();
      const { bytes = [], reason = "" } = on[subject.wire] ?? {};
      agent.wire.sendBytes(Buffer.concat(bytes));
      await subject.isClosed(agent, code, reason);
    },
  };
}

/** Agents that do what no agent may. */
export const PRINCIPAL_VIOLATIONS: readonly PrincipalCase[] = [
  ...VIOLATIONS.map(violated),
  {
    row: "failed",
    name: "a message that is not allowed: 1002",
    code: CLOSE_CODES.protocolError,
    run: async (subject) => {
      await subject.open();
      const agent = await subject.session();
      agent.hello();
      await subject.isClosed(
        agent,
        CLOSE_CODES.protocolError,
        "hello is not allowed while the session is open",
      );
    },
  },
  {
    row: "failed",
    name: "more events than twice its window: 4006",
    code: CLOSE_CODES.windowExceeded,
    run: async (subject) => {
      await subject.open({ window: WINDOW, onEvent: () => new Promise<void>(() => {}) });
      const agent = await subject.session();
      for (let n = 0; n < 2 * WINDOW; n += 1) agent.send(eventNo(n));
      await subject.time.advance(1_000);
      expect((await subject.principal.agent("edge-7"))?.state).toBe("connected");
      agent.send(eventNo(2 * WINDOW));
      await subject.isClosed(agent, CLOSE_CODES.windowExceeded, `more than ${WINDOW} events`);
      await isGone(subject, "window_exceeded");
    },
  },
  {
    row: "failed",
    name: "who does not read what it is sent: cut, because a close would stand behind it all",
    code: CLOSE_CODES.slowConsumer,
    cuts: true,
    run: async (subject) => {
      const objector = new Objector();
      const principal = await subject.open({ onEvent: objector.onEvent }, NARROW);
      const agent = await subject.session(undefined, { window: WIDE_WINDOW });
      agent.wire.pause();
      for (let n = 0; n < BACKLOG; n += 1) await principal.publish(agent.name, backlogNo(n));
      const { log } = subject.time;
      await objector.provoke(
        (event) => agent.send(event),
        (what, done) => subject.time.until(what, done),
        () => log.some((line) => line["code"] === "slow_consumer"),
      );
      await isGone(subject, "slow_consumer");
      expect((await principal.agent(agent.name))?.state).not.toBe("connected");
      agent.wire.resume();
      expect((await subject.settled("the end", agent.wire.ended)).code).toBeUndefined();
    },
  },
  {
    row: "refused",
    name: "a store of its own that is an older copy: 4010",
    code: CLOSE_CODES.storeRolledBack,
    run: async (subject) => {
      const open = (): Error => new HawserError("store_rolled_back", "the backup of yesterday");
      const store = breakStore(createMemoryStore(), { open });
      await store.start();
      await subject.open({ store });
      const agent = await subject.call();
      agent.hello();
      await subject.isClosed(agent, CLOSE_CODES.storeRolledBack, "the backup of yesterday");
    },
  },
  {
    row: "refused",
    name: "an agent that was removed: 4011",
    code: CLOSE_CODES.agentRemoved,
    run: async (subject) => {
      const principal = await subject.open({});
      const agent = await subject.session();
      await principal.removeAgent(agent.name);
      await subject.settled("the end", agent.wire.ended);
      const back = await subject.call();
      back.hello();
      await subject.isClosed(back, CLOSE_CODES.agentRemoved, "was removed at");
    },
  },
];
