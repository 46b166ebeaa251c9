import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { plainEnvironment, PROGRAMS } from "./programs.js";

const TIMEOUT_MS = 30_000;

export interface TerminalOptions {
  /** @default "cli" */
  readonly program?: keyof typeof PROGRAMS;
  /** As `NO_COLOR` says it. @default "" */
  readonly noColor?: string;
  readonly server?: string;
  /** For a server whose token is not found by its address. */
  readonly token?: string;
  readonly rows?: number;
  /** Typed at once, or when `typedOnce` is true of what has been shown. */
  readonly typed?: string;
  readonly typedOnce?: (shown: string) => boolean;
}

/** Runs the CLI, or another program, on a pseudo-terminal, by script(1), and answers with all that was shown. */
export async function onTerminal(
  line: string,
  options: TerminalOptions = {},
): Promise<{ readonly status: number | null; readonly shown: string }> {
  const { program = "cli", server = "", token = "", rows = 24, typed = "", typedOnce = () => true } = options;
  const command = `stty rows ${rows} cols 80; exec ${process.execPath} ${PROGRAMS[program]} ${line}`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    timeout: TIMEOUT_MS,
    env: {
      ...plainEnvironment(),
      HAWSER_SERVER: server,
      HAWSER_TOKEN: token,
      TERM: "xterm",
      NO_COLOR: options.noColor ?? "",
    },
  });
  let shown = "";
  let waiting = true;
  const type = (): void => {
    if (!waiting || !typedOnce(shown)) return;
    waiting = false;
    child.stdin.end(typed);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
    type();
  });
  type();
  const [status] = await once(child, "close");
  return { status: z.number().nullable().parse(status), shown };
}
