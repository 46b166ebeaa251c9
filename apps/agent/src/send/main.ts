import { printable, systemRuntime } from "@hawser/runtime";
import { runSend } from "./send-command.js";

/** `hawser-agent send` as a process. */
export async function sendProcess(args: readonly string[]): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // The second one is for those who cannot wait.
    process.on(signal, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
  }
  const { stdin, stdout, stderr } = process;
  // Whoever reads what became of the events may go; they are sent all the same.
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
  process.exitCode = await runSend(args, {
    runtime: systemRuntime(),
    env: process.env,
    input: stdin,
    inputIsTerminal: stdin.isTTY === true,
    out: (line) => void stdout.write(`${printable(line)}\n`),
    err: (line) => void stderr.write(`${printable(line)}\n`),
    interrupted: interrupted.signal,
  });
  // Standard input may be open still, and nobody reads it any more.
  stdin.destroy();
}
