import { rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Fleet } from "@hawser/app-fleet";
import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { demoArguments, USAGE } from "./demo-arguments.js";
import { tellStory } from "./story.js";
import { View } from "./view.js";

const KEEP_ALIVE_POLL_MS = 1_000;
const asked = demoArguments(process.argv.slice(2));
if (asked.kind === "help") {
  new View(process.stdout).say(USAGE);
  process.exit(0);
}
if (asked.kind === "wrong") {
  new View(process.stderr).say(`demo: ${asked.message}\n\n${USAGE}`);
  process.exit(2);
}
const { once } = asked;
const directory = join(process.cwd(), ".hawser", "demo");
// Of this checkout, wherever the demo is started from; shown as a path that can be copied.
const manifests = relative(
  process.cwd(),
  fileURLToPath(new URL("../../../examples/demo.yaml", import.meta.url)),
);
const fleet = new Fleet({ directory, timers: systemTimers, log: { kind: "file" } });
const view = new View(process.stdout);

let leaving = false;
async function leave(code: number): Promise<never> {
  leaving = true;
  await fleet.stop();
  process.exit(code);
}
async function keepAlive(): Promise<void> {
  while (!leaving) {
    await pause(systemTimers, KEEP_ALIVE_POLL_MS);
    if (leaving) return;
    const revived = await fleet.revive();
    if (revived !== undefined) view.say(`${revived} had died and was started again.`);
  }
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (leaving) process.exit(1);
    view.say("\nStopping everything.");
    void leave(0);
  });
}

try {
  await rm(directory, { recursive: true, force: true });
  const { proof, lastLine } = await tellStory({
    fleet,
    view,
    clock: systemClock,
    timers: systemTimers,
    manifests,
  });
  if (once) {
    await fleet.stop();
    view.say(lastLine);
    process.exit(proof.converged ? 0 : 1);
  }
  view.say(lastLine);
  view.say(`
Everything stays up until you press Ctrl-C. In another terminal, in this folder:

  export HAWSER_SERVER=${fleet.server}
  npx hawser agents
  npx hawser get edge-json
  npx hawser get edge-grpc/Task/sleeper --output yaml
  npx hawser apply -f ${manifests}
  npx hawser delete edge-json/ConfigFile/motd
  curl -s -H "authorization: Bearer $(cat ${fleet.apiTokenFile})" ${fleet.server}/metrics | grep ^hawser_
  cat ${fleet.filesOf("edge-json")}/motd
  kill -9 ${fleet.principal.pid}    # the principal; or one of the agents: ${fleet.agents.map(({ pid }) => pid).join(", ")}

What you kill is started again, as an orchestrator would. Logs and data: ${directory}`);
  await keepAlive();
} catch (thrown) {
  if (!leaving) {
    view.say(`demo: failed, ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    view.say(`The logs are in ${directory}.`);
    await leave(1);
  }
}
