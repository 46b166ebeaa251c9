import { rm } from "node:fs/promises";
import { api } from "./api/api-command.js";
import { codec } from "./codec/codec-command.js";
import { parseBenchOptions } from "./bench-options.js";
import { measureDelivery } from "./delivery-rows.js";
import { measurePendingCost } from "./pending-cost.js";
import { profileSummary } from "./profile-summary.js";
import { makeDiskPlace } from "./real-disk.js";
import { startup } from "./startup/startup-command.js";
import { storm } from "./storm/storm-command.js";
import { tracing } from "./tracing/tracing-command.js";
import { describeRun, jsonLine, spreadLine, table } from "./report.js";

const USAGE = `usage: npm run bench -- delivery [--json] [--quick] [--transports ws-json,ws-proto,grpc] [--agents 1,100] [--windows 1,256]
         [--rounds 3] [--warm-up-ms 1000] [--measure-ms 3000] [--pending-events 1000000 (0: leave out)] [--pending-agents 1000]
         [--pending-rounds 6] [--agent-pool-threads 4] [--semi-space-mb 64 (16: Node's default)]
         [--directory <on a disk>] [--profile <directory>]
       npm run bench -- storm [--json] [--quick] [--tls] [--clients hawser,naive,socket.io] [--agents 5000] [--events-per-second 500] [--steady-ms 8000]
         [--down-ms 2000] [--deadline-ms 120000] [--rotation-agents 50] [--rotation-events-per-second 400] [--measure-ms 5000] [--rounds 3]
         [--svg docs/storm.svg] [--directory <on a disk>]
       npm run bench -- tracing [--json] [--quick] [--events 40000] [--rounds 7]
       npm run bench -- codec [--json] [--quick] [--events 100000] [--rounds 9]
       npm run bench -- api [--json] [--quick] [--known 10000,50000] [--requests 300] [--slow-requests 20] [--churning 750] [--readers 1,50]
         [--measure-ms 10000] [--directory <on a disk>]
       npm run bench -- startup [--json] [--quick] [--rounds 20]
       npm run bench -- profile <file.cpuprofile>...`;

async function delivery(args: readonly string[]): Promise<void> {
  const options = parseBenchOptions(args);
  const place = await makeDiskPlace(options.directory);
  const progress = (line: string): void => console.error(line);
  try {
    progress(describeRun(options, place));
    const rows = await measureDelivery(options, place.directory, progress);
    const pending =
      options.pendingEvents === 0 ? undefined : await measurePendingCost(options, place.directory, progress);
    const result = { rows, pending };
    progress(spreadLine(result));
    // The table goes where people look, the line for programs last on standard output.
    (options.json ? progress : console.log)(table(result));
    if (options.json) console.log(jsonLine(result));
  } finally {
    await rm(place.directory, { recursive: true, force: true });
  }
}

const [command, ...args] = process.argv.slice(2);
try {
  if (command === "delivery") await delivery(args);
  else if (command === "storm") await storm(args);
  else if (command === "api") await api(args);
  else if (command === "codec") codec(args);
  else if (command === "tracing") await tracing(args);
  else if (command === "startup") await startup(args);
  else if (command === "profile") for (const file of args) console.log(await profileSummary(file));
  else {
    console.error(USAGE);
    process.exitCode = 2;
  }
} catch (thrown) {
  console.error(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  // Children that still run would keep this process alive; without it they end by themselves.
  process.exit(1);
}
