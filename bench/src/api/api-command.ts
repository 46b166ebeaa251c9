import { rm } from "node:fs/promises";
import { describePinning } from "../core-pinning.js";
import { makeDiskPlace } from "../real-disk.js";
import { parseApiOptions } from "./api-options.js";
import { measureApi, type ApiRow } from "./measure-api.js";

/** What the API takes when a principal knows many agents. */
export async function api(args: readonly string[]): Promise<void> {
  const options = parseApiOptions(args);
  const place = await makeDiskPlace(options.directory);
  const progress = (line: string): void => console.error(line);
  try {
    progress(`node ${process.version}, ${describePinning()}`);
    const print = options.json ? progress : console.log;
    const rows: ApiRow[] = [];
    for (const known of options.known) {
      const row = await measureApi(options, known, place.directory, progress);
      rows.push(row);
      for (const line of linesOf(row)) print(line);
    }
    if (options.json) console.log(JSON.stringify({ api: rows.map(rounded) }));
  } finally {
    await rm(place.directory, { recursive: true, force: true });
  }
}

function linesOf({ known, requests, firstSync, churn }: ApiRow): readonly string[] {
  return [
    `${known} agents known`,
    ...requests.map(
      ({ what, p50Ms, p99Ms, bytes }) =>
        `  ${what.padEnd(40)} p50 ${p50Ms.toFixed(1).padStart(7)} ms  p99 ${p99Ms.toFixed(1).padStart(7)} ms  ${kib(bytes)} KiB`,
    ),
    `  ${"stream: all agents told".padEnd(40)}     ${firstSync.ms.toFixed(0).padStart(7)} ms               ${kib(firstSync.bytes)} KiB`,
    ...churn.map(
      ({ readers, connectsPerSecond, toldPerSecond, listP99Ms, lagP99Ms, lagMaxMs }) =>
        `  ${`${readers} readers, ${connectsPerSecond.toFixed(0)} connect and leave a second`.padEnd(40)} first page p99 ${listP99Ms.toFixed(1)} ms  each reader hears ${toldPerSecond.toFixed(0)}/s  loop late p99 ${lagP99Ms.toFixed(1)} ms, at most ${lagMaxMs.toFixed(0)} ms`,
    ),
  ];
}

function kib(bytes: number): string {
  return (bytes / 1024).toFixed(0).padStart(7);
}

/** Figures of a machine with others on it: three digits say more than there is. */
function rounded(row: ApiRow): unknown {
  return JSON.parse(
    JSON.stringify(row, (_name, value: unknown) =>
      typeof value === "number" ? Math.round(value * 10) / 10 : value,
    ),
  );
}
