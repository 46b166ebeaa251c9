import { printableLine } from "@hawser/runtime";
import type { Agent, Status } from "../api/schemas.js";
import { paintState, type Style } from "../output/style.js";
import { formatDuration, formatTable } from "../output/table.js";
import { NO_RATES, type Traffic } from "./traffic-meter.js";

export interface TopView {
  readonly server: string;
  /** Wall-clock time, in Unix milliseconds. */
  readonly at: number;
  readonly status: Status;
  /** As many as are shown, in the order asked for. */
  readonly agents: readonly Agent[];
  /** Undefined before two looks, or when the principal serves no metrics. */
  readonly traffic: Traffic | undefined;
}

/** Lines beside the agents: where and when, what is summed up, the rates, a line of space, the titles, which part it is, and the note. */
export const FRAME_LINES = 7;

/** The lines of one look. */
export function renderTop(view: TopView, style: Style): readonly string[] {
  const { status, traffic, agents } = view;
  const rate = (value: number | undefined): string =>
    value === undefined ? "-" : value.toFixed(value < 10 ? 1 : 0);
  const ms = (value: number | undefined): string => (value === undefined ? "-" : `${value.toFixed(1)}ms`);
  const head = [
    `${style.bold("hawser top")}  ${view.server}  ${paintState(style, status.state)}  up ${formatDuration(view.at - Date.parse(status.startedAt))}  ${new Date(view.at).toISOString().slice(11, 19)}Z`,
    `agents ${status.agents.connected}/${status.agents.known} connected   pending ${status.pending}   dead letters ${status.deadLetters}`,
    `per second: accepted ${rate(traffic?.total.acceptedPerSecond)}   sent ${rate(traffic?.total.sentPerSecond)}   acked ${rate(traffic?.total.ackedPerSecond)}   resent ${rate(traffic?.total.resentPerSecond)}   ACK p50 ${ms(traffic?.ackP50Ms)} p99 ${ms(traffic?.ackP99Ms)}`,
    "",
  ];
  const titles = ["NAME", "STATE", "TRANSPORT", "AGE", "FLIGHT", "PENDING", "DEAD", "ACK/S", "RESENT/S"];
  const lines = agents.map(({ name, state, session, pending, deadLetters }) => {
    const rates = traffic === undefined ? undefined : (traffic.byAgent.get(name) ?? NO_RATES);
    return [
      printableLine(name),
      paintState(style, printableLine(state)),
      session?.transport ?? "-",
      session === undefined ? "-" : formatDuration(session.ageMs),
      session === undefined ? "-" : String(session.inFlight),
      String(pending),
      deadLetters > 0 ? style.bad(String(deadLetters)) : "0",
      rate(rates?.ackedPerSecond),
      rate(rates?.resentPerSecond),
    ];
  });
  const table = formatTable(titles.map(style.bold), lines).split("\n");
  return [...head, ...table];
}
