import { parseArgs } from "node:util";
import type { CloudEvent } from "@hawser/protocol";
import { wholeNumber } from "../bench-options.js";
import { EventSource } from "../payload.js";
import { rawEvent } from "../raw-message.js";
import { roundedSpread, type Spread } from "../spread.js";
import type { Candidate } from "./candidate.js";
import { BATCH_EVENTS, candidates } from "./candidates.js";

const FULL = { events: 100_000, rounds: 9 };
const QUICK = { events: 5_000, rounds: 3 };
/** Different events in turn, so that nothing profits from always seeing the same text. */
const VARIETIES = 64;

interface Cost {
  readonly encodeUs: Spread;
  readonly decodeUs: Spread;
}

/** What an event costs in the protobuf format, by the product's codec and by two libraries. */
export function codec(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean" },
      quick: { type: "boolean" },
      events: { type: "string" },
      rounds: { type: "string" },
    },
    strict: true,
  });
  const base = values.quick === true ? QUICK : FULL;
  const events = wholeNumber("events", values.events, base.events);
  const costs = measure(events, wholeNumber("rounds", values.rounds, base.rounds));
  const print = values.json === true ? console.error : console.log;
  for (const [name, { encodeUs, decodeUs }] of Object.entries(costs)) {
    print(`${name.padEnd(20)} encode ${text(encodeUs)}  decode ${text(decodeUs)} us of CPU time an event`);
  }
  if (values.json === true) console.log(JSON.stringify({ codec: costs }));
}

/** The candidates take turns, so that all see the same machine; the first round is to warm up. */
function measure(events: number, rounds: number): Readonly<Record<string, Cost>> {
  const source = new EventSource(1);
  const messages = Array.from({ length: VARIETIES }, (_, index) => rawEvent(source, index + 1));
  const found = Object.entries(candidates()).map(([name, candidate]) => ({
    name,
    candidate,
    encodeUs: [] as number[],
    decodeUs: [] as number[],
  }));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, candidate, encodeUs, decodeUs } of found) {
      const each = name.includes("batches") ? BATCH_EVENTS : 1;
      const encode = encodeCost(candidate, messages, events / each) / each;
      const decode = decodeCost(candidate, messages, events / each) / each;
      if (round === 0) continue;
      encodeUs.push(encode);
      decodeUs.push(decode);
    }
  }
  return Object.fromEntries(
    found.map(({ name, encodeUs, decodeUs }) => [
      name,
      { encodeUs: roundedSpread(encodeUs), decodeUs: roundedSpread(decodeUs) },
    ]),
  );
}

function encodeCost({ encode }: Candidate, messages: readonly CloudEvent[], times: number): number {
  return cpuUs(messages, times, encode);
}

function decodeCost({ encode, decode }: Candidate, messages: readonly CloudEvent[], times: number): number {
  return cpuUs(messages.map(encode), times, decode);
}

function cpuUs<T>(inputs: readonly T[], times: number, work: (input: T) => unknown): number {
  const before = process.cpuUsage();
  let done = 0;
  while (done < times) {
    for (const input of inputs) work(input);
    done += inputs.length;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / done;
}

function text({ median, min, max }: Spread): string {
  return `${median} (${min} to ${max})`;
}
