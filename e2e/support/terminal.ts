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
  readonly columns?: number;
  /** Typed at once. */
  readonly typed?: string;
  /** What is typed after that, each when something like this has been shown since the step before. */
  readonly steps?: readonly (readonly [shown: RegExp, typed: string])[];
}

/** Runs the CLI, or another program, on a pseudo-terminal, by script(1), and answers with all that was shown. */
export async function onTerminal(
  line: string,
  options: TerminalOptions = {},
): Promise<{ readonly status: number | null; readonly shown: string }> {
  const { program = "cli", server = "", token = "" } = options;
  const { rows = 24, columns = 80, typed = "", steps = [] } = options;
  const command = `stty rows ${rows} cols ${columns}; exec ${process.execPath} ${PROGRAMS[program]} ${line}`;
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
  let since = 0;
  const left = [...steps];
  const type = (text: string): void => {
    since = shown.length;
    if (left.length === 0) child.stdin.end(text);
    else child.stdin.write(text);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
    const [step] = left;
    if (step?.[0].test(shown.slice(since)) !== true) return;
    left.shift();
    type(step[1]);
  });
  type(typed);
  const [status] = await once(child, "close");
  return { status: z.number().nullable().parse(status), shown };
}
