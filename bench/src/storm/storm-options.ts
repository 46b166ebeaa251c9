import { parseArgs } from "node:util";
import { wholeNumber } from "../bench-options.js";
import { STORM_CLIENTS, type StormClient } from "./storm-commands.js";

export interface StormOptions {
  readonly json: boolean;
  /** All servers speak TLS 1.3, with an ECDSA certificate. */
  readonly tls: boolean;
  readonly clients: readonly StormClient[];
  readonly agents: number;
  /** Over all agents, in the storm and while rotating. */
  readonly eventsPerSecond: number;
  /** All are connected so long before the server is killed. */
  readonly steadyMs: number;
  /** The server stays away so long. */
  readonly downMs: number;
  /** What the agents may take to connect, or to come back; then the bench fails. */
  readonly deadlineMs: number;
  readonly rotationAgents: number;
  readonly rotationEventsPerSecond: number;
  /** How long each kind of rotation is measured, in each round. */
  readonly measureMs: number;
  readonly rounds: number;
  readonly svg: string;
  readonly directory: string | undefined;
}

const FLAGS = {
  json: { type: "boolean" },
  quick: { type: "boolean" },
  tls: { type: "boolean" },
  clients: { type: "string" },
  agents: { type: "string" },
  "events-per-second": { type: "string" },
  "steady-ms": { type: "string" },
  "down-ms": { type: "string" },
  "deadline-ms": { type: "string" },
  "rotation-agents": { type: "string" },
  "rotation-events-per-second": { type: "string" },
  "measure-ms": { type: "string" },
  rounds: { type: "string" },
  svg: { type: "string" },
  directory: { type: "string" },
} as const;

const FULL = {
  agents: 5_000,
  events: 500,
  steadyMs: 8_000,
  downMs: 2_000,
  rotating: 50,
  rate: 400,
  measureMs: 5_000,
  rounds: 3,
};
/** A look at whether everything still works; its figures mean nothing. */
const QUICK = {
  agents: 60,
  events: 100,
  steadyMs: 500,
  downMs: 300,
  rotating: 20,
  rate: 200,
  measureMs: 500,
  rounds: 1,
};

/** @throws Error about a flag that is unknown or has no sensible value */
export function parseStormOptions(args: readonly string[], defaultSvg: string): StormOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
  const base = values.quick === true ? QUICK : FULL;
  return {
    json: values.json === true,
    tls: values.tls === true,
    clients: (values.clients ?? STORM_CLIENTS.join(",")).split(",").map(client),
    agents: wholeNumber("agents", values.agents, base.agents),
    eventsPerSecond: wholeNumber("events-per-second", values["events-per-second"], base.events),
    steadyMs: wholeNumber("steady-ms", values["steady-ms"], base.steadyMs),
    downMs: wholeNumber("down-ms", values["down-ms"], base.downMs),
    deadlineMs: wholeNumber("deadline-ms", values["deadline-ms"], 120_000),
    rotationAgents: wholeNumber("rotation-agents", values["rotation-agents"], base.rotating),
    rotationEventsPerSecond: wholeNumber(
      "rotation-events-per-second",
      values["rotation-events-per-second"],
      base.rate,
    ),
    measureMs: wholeNumber("measure-ms", values["measure-ms"], base.measureMs),
    rounds: wholeNumber("rounds", values.rounds, base.rounds),
    svg: values.svg ?? defaultSvg,
    directory: values.directory,
  };
}

function client(text: string): StormClient {
  const found = STORM_CLIENTS.find((name) => name === text);
  if (found === undefined) throw new Error(`--clients knows ${STORM_CLIENTS.join(", ")}, not "${text}"`);
  return found;
}
