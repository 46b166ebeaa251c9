import { parseArgs } from "node:util";
import { TRANSPORTS, type TransportName } from "./child-commands.js";

export interface BenchOptions {
  readonly json: boolean;
  readonly transports: readonly TransportName[];
  readonly agents: readonly number[];
  readonly windows: readonly number[];
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Events pending for absent agents; 0 leaves that part out. */
  readonly pendingEvents: number;
  readonly pendingAgents: number;
  readonly pendingRounds: number;
  readonly directory: string | undefined;
  readonly profileDirectory: string | undefined;
  readonly agentPoolThreads: number;
  /** MiB of young generation that V8 gives the principal and the raw server (`--max-semi-space-size`). */
  readonly semiSpaceMb: number;
}

/** What the container image of the principal sets; 16 is Node's default, so what a library finds. */
export const SERVICE_SEMI_SPACE_MB = 64;

const FLAGS = {
  json: { type: "boolean" },
  quick: { type: "boolean" },
  transports: { type: "string" },
  agents: { type: "string" },
  windows: { type: "string" },
  rounds: { type: "string" },
  "warm-up-ms": { type: "string" },
  "measure-ms": { type: "string" },
  "pending-events": { type: "string" },
  "pending-agents": { type: "string" },
  "pending-rounds": { type: "string" },
  directory: { type: "string" },
  profile: { type: "string" },
  "agent-pool-threads": { type: "string" },
  "semi-space-mb": { type: "string" },
} as const;

/** At 100 agents and a window of 256 half of the events take most of a second: what is measured has to be several times as long. */
const FULL = {
  rounds: 3,
  warmUpMs: 1_000,
  measureMs: 3_000,
  events: 1_000_000,
  absent: 1_000,
  pendingRounds: 6,
};
/** A look at whether everything still works; its figures mean nothing. */
const QUICK = { rounds: 1, warmUpMs: 50, measureMs: 150, events: 2_000, absent: 20, pendingRounds: 1 };

/** @throws Error about a flag that is unknown or has no sensible value */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true });
  const base = values.quick === true ? QUICK : FULL;
  return {
    json: values.json === true,
    transports: list(values.transports, TRANSPORTS.join(",")).map(transport),
    agents: list(values.agents, "1,100").map((text) => wholeNumber("agents", text)),
    windows: list(values.windows, "1,256").map((text) => wholeNumber("windows", text)),
    rounds: wholeNumber("rounds", values.rounds, base.rounds),
    warmUpMs: wholeNumber("warm-up-ms", values["warm-up-ms"], base.warmUpMs),
    measureMs: wholeNumber("measure-ms", values["measure-ms"], base.measureMs),
    pendingEvents:
      values["pending-events"] === "0"
        ? 0
        : wholeNumber("pending-events", values["pending-events"], base.events),
    pendingAgents: wholeNumber("pending-agents", values["pending-agents"], base.absent),
    pendingRounds: wholeNumber("pending-rounds", values["pending-rounds"], base.pendingRounds),
    directory: values.directory,
    profileDirectory: values.profile,
    agentPoolThreads: wholeNumber("agent-pool-threads", values["agent-pool-threads"], 4),
    semiSpaceMb: wholeNumber("semi-space-mb", values["semi-space-mb"], SERVICE_SEMI_SPACE_MB),
  };
}

function list(value: string | undefined, fallback: string): readonly string[] {
  return (value ?? fallback).split(",").filter((item) => item !== "");
}

/** @throws Error naming the flag and what it needs */
export function wholeNumber(flag: string, text: string | undefined, fallback?: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (value !== undefined && Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${flag} needs whole numbers above 0, not "${text ?? ""}"`);
}

function transport(text: string): TransportName {
  const found = TRANSPORTS.find((name) => name === text);
  if (found === undefined) throw new Error(`--transports knows ${TRANSPORTS.join(", ")}, not "${text}"`);
  return found;
}
