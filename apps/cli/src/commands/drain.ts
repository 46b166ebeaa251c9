import { defined } from "@hawser/runtime";
import { Command, Option } from "commander";
import type { Drain } from "../api/schemas.js";
import type { CommandContext } from "../command/command-context.js";
import { durationOption } from "../command/duration-option.js";
import { withExamples } from "../command/examples.js";
import { EXIT_CODES, QuietExit, usageError } from "../exit-codes.js";
import { isForPeople } from "../output/output-format.js";
import { printObject } from "../output/print.js";
import { ProgressBar } from "../output/progress.js";

interface DrainFlags {
  readonly shape: "restart" | "handover";
  readonly window: number;
  readonly lead?: number;
  readonly return?: number;
  readonly reason?: string;
  readonly wait: boolean;
  readonly yes?: true;
  readonly undo?: true;
}

const DEFAULT_WINDOW_MS = 5_000;
const POLL_MS = 200;

export function drainCommand(context: CommandContext): Command {
  const command = new Command("drain")
    .description(
      "let all agents go, spread out, before this principal is stopped; asking again shows how far it is",
    )
    .addOption(
      new Option("--shape <shape>", "they come back here (restart) or go to another principal (handover)")
        .choices(["restart", "handover"])
        .default("restart"),
    )
    .addOption(
      durationOption(
        "--window <duration>",
        "what their return or their leaving is spread over",
        DEFAULT_WINDOW_MS,
      ),
    )
    .addOption(durationOption("--lead <duration>", "serve on this long with readiness already failing"))
    .addOption(durationOption("--return <duration>", "for a restart: how long the principal will be away"))
    .option("--reason <text>", "for people: in logs and in the notice to each agent")
    .option("--no-wait", "end at once; 'hawser drain' again shows how far it is")
    .option("-y, --yes", "without asking; needed where nobody can be asked")
    .option("--undo", "take a drain back: agents are let in again, and those stay whose turn has not come")
    .action((flags: DrainFlags) => drain(context, flags));
  return withExamples(
    command,
    "hawser drain",
    "hawser drain --shape handover --window 20s --reason deploy --yes",
    "hawser drain --undo",
  );
}

async function drain(context: CommandContext, flags: DrainFlags): Promise<void> {
  const client = context.connect();
  if (flags.undo === true) {
    await undo(context);
    return;
  }
  if (flags.yes !== true) await agree(context);
  const begun = await client.drain({
    shape: flags.shape,
    windowMs: flags.window,
    ...defined({ leadMs: flags.lead, returnAfterMs: flags.return, reason: flags.reason }),
  });
  const last = flags.wait ? await followed(context, begun) : begun;
  print(context, last);
}

async function undo({ connect, terminal, globals }: CommandContext): Promise<void> {
  const answer = await connect().undrain();
  const { output } = globals();
  if (isForPeople(output))
    terminal.out(
      "taken back: agents are let in again; those that were told to go come back when they were told",
    );
  else printObject(terminal, output, answer);
}

/** A drain lets a whole fleet go, and with contexts the wrong one is quickly hit. To one that is under way nothing is added. */
async function agree({ connect, terminal, globals }: CommandContext): Promise<void> {
  const client = connect();
  const { state, agents } = await client.status();
  if (state === "draining") return;
  terminal.err(`drain will let ${agents.connected} agents go, of the principal at ${client.server.url}`);
  if (!terminal.inIsTerminal || !terminal.errIsTerminal || !isForPeople(globals().output))
    throw usageError("nothing was changed: add --yes to agree");
  if (await terminal.confirm("Let them go?")) return;
  terminal.err("nothing was changed");
  throw new QuietExit(EXIT_CODES.failed);
}

/** Asks until the report is there, with a bar where somebody looks. It asks rather than reads a stream, because a principal that drains ends its streams: they would keep it from stopping. */
async function followed({ terminal, runtime, connect }: CommandContext, begun: Drain): Promise<Drain> {
  const client = connect();
  const bar = new ProgressBar(terminal, "gone", begun.progress?.sessions ?? 0);
  try {
    for (let now = begun; ; now = await client.draining()) {
      if (now.report !== undefined) return now;
      if (now.progress !== undefined) bar.update(now.progress.sessions - now.progress.remaining);
      await new Promise<void>((resolve) => void runtime.timers.after(POLL_MS, resolve));
      terminal.interrupted.throwIfAborted();
    }
  } finally {
    bar.stop();
  }
}

function print({ terminal, globals }: CommandContext, answer: Drain): void {
  const { output } = globals();
  if (!isForPeople(output)) {
    printObject(terminal, output, answer);
    return;
  }
  const { progress, report } = answer;
  if (report === undefined) {
    terminal.out(
      `draining: ${progress?.remaining ?? 0} of ${progress?.sessions ?? 0} sessions are still there`,
    );
    return;
  }
  const seconds = (report.durationMs / 1_000).toFixed(1);
  const kept = report.kept ?? 0;
  if (kept > 0) {
    terminal.out(`taken back: ${report.sessions - kept} of ${report.sessions} sessions had gone`);
    return;
  }
  terminal.out(
    `drained: ${report.sessions} sessions in ${seconds} s, ${report.cutOff} cut off, ${report.unsettledTotal} events will be sent again`,
  );
  for (const [agent, count] of Object.entries(report.unsettled)) terminal.out(`  ${agent}  ${count}`);
}
