import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDiskPlace } from "../real-disk.js";
import { checkOpenFiles } from "./open-files.js";
import { measureRotation } from "./rotation-bench.js";
import { runStorm, type StormRun } from "./run-storm.js";
import { parseStormOptions } from "./storm-options.js";
import { stormPlot } from "./storm-plot.js";
import { describeStorm, stormJsonLine, stormTable } from "./storm-report.js";

const DEFAULT_SVG = fileURLToPath(new URL("../../../docs/storm.svg", import.meta.url));

/** `bench storm`: prints what it found, and draws it. */
export async function storm(args: readonly string[]): Promise<void> {
  const options = parseStormOptions(args, DEFAULT_SVG);
  checkOpenFiles(Math.max(options.agents, options.rotationAgents));
  const place = await makeDiskPlace(options.directory);
  const progress = (line: string): void => console.error(line);
  try {
    progress(describeStorm(options, place));
    const runs: StormRun[] = [];
    for (const client of options.clients)
      runs.push(await runStorm(client, options, place.directory, progress));
    const rotation = await measureRotation(options, place.directory, progress);
    await mkdir(dirname(options.svg), { recursive: true });
    await writeFile(options.svg, stormPlot(runs));
    progress(`plot: ${options.svg}`);
    const result = { runs, rotation };
    // The table goes where people look, the line for programs last on standard output.
    (options.json ? progress : console.log)(stormTable(result));
    if (options.json) console.log(stormJsonLine(result));
  } finally {
    await rm(place.directory, { recursive: true, force: true });
  }
}
