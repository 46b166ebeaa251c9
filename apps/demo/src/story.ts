import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DEMO_AGENTS, type Fleet } from "@hawser/app-fleet";
import { pause, type Clock, type Timers } from "@hawser/runtime";
import { Counters } from "./counters.js";
import { apiOf } from "./principal-api.js";
import { prove, type Proof } from "./proof.js";
import { Traffic } from "./traffic.js";
import { resentOf, type View } from "./view.js";

export interface StoryOptions {
  readonly fleet: Fleet;
  readonly view: View;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Path of the manifests to apply. */
  readonly manifests: string;
}

const require = createRequire(import.meta.url);
const REFRESH_MS = 200;
const BEFORE_CRASH_MS = 4_000;
const DOWN_MS = 1_500;
const AFTER_CRASH_MS = 4_000;
const CONVERGE_TIMEOUT_MS = 30_000;

/** Tells the story once: traffic, a crash in the middle of it, and the proof. */
export async function tellStory(
  options: StoryOptions,
): Promise<{ readonly proof: Proof; readonly lastLine: string }> {
  const { fleet, view, timers } = options;
  const counters = new Counters();
  view.say("1. Starting a principal and three agents: WebSocket with JSON, WebSocket with protobuf, gRPC.");
  await fleet.start();
  view.say(`2. Applying ${options.manifests} with the command line.`);
  await runCli(fleet, ["apply", "-f", options.manifests]);

  view.say("3. Changing files on all three agents, as fast as one writer can.");
  const traffic = new Traffic(apiOf(fleet), timers);
  traffic.start();
  await watch(options, counters, BEFORE_CRASH_MS, "traffic");

  view.say(
    `4. Killing the principal with SIGKILL in the middle of it (pid ${fleet.principal.pid}); the traffic goes on knocking.`,
  );
  await counters.read(apiOf(fleet));
  await fleet.principal.kill();
  counters.nextLife();
  await watch(options, counters, DOWN_MS, "down");
  await fleet.startPrincipal();
  view.say(
    `5. The principal is back (pid ${fleet.principal.pid}), with the same disk. The agents find it by themselves.`,
  );
  await watch(options, counters, AFTER_CRASH_MS, "recovering");
  await traffic.stop();

  view.say("6. The traffic has stopped. Waiting until everything accepted is where it belongs.");
  const started = options.clock.now();
  const proof = await converge(options, counters, traffic);
  const seconds = ((options.clock.now() - started) / 1000).toFixed(1);
  const { accepted } = counters.totals;
  const resent = resentOf(counters.totals);
  if (proof.converged) {
    view.say(`   It took ${seconds} s. Shown by reading the agents' disks and asking the principal:`);
    view.say(
      `   - each of ${proof.resources} resources is observed in its newest version; nothing is pending, no dead letters;`,
    );
    view.say(
      "   - every file has the content of the newest spec that was accepted, before, during and after the crash;",
    );
    view.say(`   - ${accepted} events were accepted, ${resent} had to be sent again, none was lost.`);
  } else {
    for (const what of proof.missing) view.say(`   not converged: ${what}`);
  }
  const word = proof.converged ? "converged" : "failed";
  const lost = proof.missing.length;
  return {
    proof,
    lastLine: `demo: ${word} agents=${DEMO_AGENTS.length} resources=${proof.resources} events=${accepted} resent=${resent} lost=${lost}`,
  };
}

async function converge(options: StoryOptions, counters: Counters, traffic: Traffic): Promise<Proof> {
  const deadline = options.clock.now() + CONVERGE_TIMEOUT_MS;
  for (;;) {
    await watch(options, counters, REFRESH_MS, "converging");
    const proof = await prove(options.fleet, traffic.accepted);
    if (proof.converged || options.clock.now() > deadline) {
      await counters.read(apiOf(options.fleet));
      return proof;
    }
  }
}

async function watch(
  { fleet, view, clock, timers }: StoryOptions,
  counters: Counters,
  durationMs: number,
  title: string,
): Promise<void> {
  const end = clock.now() + durationMs;
  while (clock.now() < end) {
    const versions = new Map<string, string>();
    const agents = await apiOf(fleet)
      .agents()
      .catch(() => undefined);
    if (agents !== undefined) {
      await counters.read(apiOf(fleet)).catch(() => undefined);
      for (const { name } of DEMO_AGENTS) versions.set(name, await newestVersion(fleet, name));
    }
    view.show({ title: `   ${title}`, agents, versions, totals: counters.totals });
    await pause(timers, REFRESH_MS);
  }
}

async function newestVersion(fleet: Fleet, agent: string): Promise<string> {
  const resources = await apiOf(fleet)
    .resources(agent)
    .catch(() => []);
  const newest = Math.max(0, ...resources.map(({ observedVersion }) => Number(observedVersion ?? 0)));
  return String(newest);
}

async function runCli({ server, apiTokenFile }: Fleet, args: readonly string[]): Promise<void> {
  const program = join(dirname(require.resolve("hawser/package.json")), "bin", "hawser.js");
  const own = ["--server", server, "--token-file", apiTokenFile];
  const child = spawn(process.execPath, [program, ...own, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`hawser ${args.join(" ")} ended with exit code ${code}`);
}
