import { parseArgs } from "node:util";
import { wholeNumber } from "../bench-options.js";

export interface ApiOptions {
  readonly json: boolean;
  /** How many agents are known, in turn. */
  readonly known: readonly number[];
  /** Of each kind that takes little. */
  readonly requests: number;
  /** Of each kind that walks through all agents. */
  readonly slowRequests: number;
  /** Agents that connect and leave, each about 1.3 times a second. */
  readonly churning: number;
  /** Readers of the stream, in turn. */
  readonly readers: readonly number[];
  readonly measureMs: number;
  readonly directory: string | undefined;
}

const FULL = {
  known: "10000,50000",
  requests: 300,
  slow: 20,
  churning: 750,
  readers: "1,50",
  measureMs: 10_000,
};
/** A look at whether everything still works; its figures mean nothing. */
const QUICK = { known: "200", requests: 3, slow: 2, churning: 10, readers: "2", measureMs: 300 };

/** @throws Error about a flag that is unknown or has no sensible value */
export function parseApiOptions(args: readonly string[]): ApiOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean" },
      quick: { type: "boolean" },
      known: { type: "string" },
      requests: { type: "string" },
      "slow-requests": { type: "string" },
      churning: { type: "string" },
      readers: { type: "string" },
      "measure-ms": { type: "string" },
      directory: { type: "string" },
    },
    strict: true,
  });
  const base = values.quick === true ? QUICK : FULL;
  const numbers = (flag: string, text: string): readonly number[] =>
    text.split(",").map((each) => wholeNumber(flag, each));
  return {
    json: values.json === true,
    known: numbers("known", values.known ?? base.known),
    requests: wholeNumber("requests", values.requests, base.requests),
    slowRequests: wholeNumber("slow-requests", values["slow-requests"], base.slow),
    churning: wholeNumber("churning", values.churning, base.churning),
    readers: numbers("readers", values.readers ?? base.readers),
    measureMs: wholeNumber("measure-ms", values["measure-ms"], base.measureMs),
    directory: values.directory,
  };
}
