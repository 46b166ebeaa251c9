import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defined } from "@hawser/runtime";
import { z } from "zod";

const require = createRequire(import.meta.url);

function executable(name: string, file: string): string {
  return join(dirname(require.resolve(`${name}/package.json`)), "bin", file);
}

/** What runs as a process of its own: the built services, and agents made for tests, on built packages as well. */
export const PROGRAMS = {
  principal: executable("@hawser/app-principal", "hawser-principal.js"),
  agent: executable("@hawser/app-agent", "hawser-agent.js"),
  cli: executable("hawser", "hawser.js"),
  createHawser: fileURLToPath(new URL("../../apps/create-hawser/bin/create-hawser.js", import.meta.url)),
  flood: fileURLToPath(new URL("../fixtures/flood.mjs", import.meta.url)),
  journalAgent: fileURLToPath(new URL("../fixtures/journal-agent.mjs", import.meta.url)),
} as const;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** A program that does not end by itself is asked to end then. */
  readonly timeoutMs?: number;
}

const DEFAULT_RUN_TIMEOUT_MS = 30_000;

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env = {}, cwd, input = "", timeoutMs = DEFAULT_RUN_TIMEOUT_MS }: RunOptions = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...plainEnvironment(), ...env },
    timeout: timeoutMs,
    // Not SIGKILL: the demo has children of its own to end.
    killSignal: "SIGTERM",
    ...defined({ cwd }),
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}

const failureSchema = z.object({
  level: z.literal("error"),
  service: z.string(),
  code: z.string(),
  msg: z.string(),
});

/** Why a service ended by itself: the last line of its log, in JSON, and standard error is left alone. */
export function failureOf({ stdout, stderr }: Finished): { readonly code: string; readonly msg: string } {
  if (stderr !== "") throw new Error(`on standard error there is: ${stderr}`);
  const { code, msg } = failureSchema.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
  return { code, msg };
}

/** Where services of the tests leave word of their APIs, beside those of whoever runs the tests. */
const STATE_HOME = join(tmpdir(), "hawser-e2e-state");

/** The environment without the settings of whoever runs the tests, and without the conditions of the test runner. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HAWSER|VITEST|NODE_OPTIONS)/.test(name));
  return { ...Object.fromEntries(kept), XDG_STATE_HOME: STATE_HOME };
}
