import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import type { Fleet } from "@hawser/app-fleet";
import { pause, readableLine } from "@hawser/runtime";
import { DEMO_MANIFEST, playCommands } from "../dev/play.js";
import type { CommandContext } from "../command/command-context.js";
import { withExamples } from "../command/examples.js";
import { CommandError, EXIT_CODES } from "../exit-codes.js";

interface DevOptions {
  readonly listen: string;
  readonly apiListen: string;
  readonly dataDir?: string;
  readonly logLevel: string;
}

const REVIVE_POLL_MS = 500;

export function devCommand(context: CommandContext): Command {
  const command = new Command("dev")
    .description("run a principal and three agents here, for trying things out; Ctrl-C ends them all")
    .option("--listen <host:port>", "where agents connect; port 0 lets the system choose", "127.0.0.1:7480")
    .option("--api-listen <host:port>", "where the HTTP API listens", "127.0.0.1:7481")
    .option("--data-dir <path>", "keep everything there (default: a temporary directory, removed at the end)")
    .option("--log-level <level>", "of all of them: debug, info, warn or error", "info")
    .action((options: DevOptions) => dev(context, options));
  return withExamples(command, "hawser dev", "hawser dev --data-dir ./dev-data --api-listen 127.0.0.1:0");
}

async function dev(context: CommandContext, options: DevOptions): Promise<void> {
  const { terminal, runtime } = context;
  const directory =
    options.dataDir === undefined ? await mkdtemp(join(tmpdir(), "hawser-dev-")) : resolve(options.dataDir);
  const level = ["--log-level", options.logLevel];
  const { style } = terminal;
  const { DEMO_AGENTS, Fleet } = await import("@hawser/app-fleet");
  const names = ["principal", ...DEMO_AGENTS.map(({ name }) => name)];
  const nameWidth = Math.max(...names.map(({ length }) => length));
  const fleet = new Fleet({
    directory,
    timers: runtime.timers,
    listen: options.listen,
    apiListen: options.apiListen,
    principalArgs: level,
    agentArgs: level,
    log: {
      kind: "lines",
      onLine: (name, line) =>
        terminal.out(`${style.accent(name.padEnd(nameWidth))}  ${readableLine(line, style)}`),
    },
  });
  try {
    await startFleet(fleet);
    const manifest = join(directory, "dev.yaml");
    await writeFile(manifest, DEMO_MANIFEST);
    terminal.out(playCommands(fleet, manifest, style));
    const ended = terminal.interrupted;
    while (!ended.aborted) {
      await pause(runtime.timers, REVIVE_POLL_MS, ended);
      const revived = ended.aborted ? undefined : await fleet.revive();
      if (revived !== undefined) terminal.err(`hawser: ${revived} had died and was started again`);
    }
  } finally {
    await fleet.stop();
    if (options.dataDir === undefined) await rm(directory, { recursive: true, force: true });
    terminal.err(
      `hawser: all have ended${options.dataDir === undefined ? "" : `; what they kept is in ${directory}`}`,
    );
  }
}

async function startFleet(fleet: Fleet): Promise<void> {
  try {
    await fleet.start();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const next = reason.includes("port_in_use")
      ? "; is another one running? Or: hawser dev --listen 127.0.0.1:0 --api-listen 127.0.0.1:0"
      : "";
    throw new CommandError(EXIT_CODES.failed, `${reason}${next}`, { cause: thrown });
  }
}
