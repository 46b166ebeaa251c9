import type { Command } from "commander";
import type { Runtime } from "@hawser/runtime";
import { ApiClient } from "../api/api-client.js";
import { resolveServer, type ServerFlags } from "../context/resolve-server.js";
import { OUTPUT_FORMATS, type OutputFormat } from "../output/output-format.js";
import type { Terminal } from "../terminal.js";
import { z } from "zod";

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly runtime: Pick<Runtime, "clock" | "timers" | "random">;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The options before the command. */
  readonly globals: () => GlobalOptions;
  /** A client of the principal that flags, environment and contexts name. @throws CommandError (usage) */
  readonly connect: () => ApiClient;
}

const globalSchema = z.object({
  server: z.string().optional(),
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  caFile: z.string().optional(),
  context: z.string().optional(),
  proxy: z.string().optional(),
  noProxy: z.string().optional(),
  output: z.enum(OUTPUT_FORMATS),
});

export interface GlobalOptions extends ServerFlags {
  readonly output: OutputFormat;
}

export function createContext(
  program: Command,
  terminal: Terminal,
  runtime: Pick<Runtime, "clock" | "timers" | "random">,
  env: Readonly<Record<string, string | undefined>>,
): CommandContext {
  const globals = (): GlobalOptions => globalSchema.parse(program.opts());
  return {
    terminal,
    runtime,
    env,
    globals,
    connect: () => new ApiClient(resolveServer(globals(), env), terminal.interrupted),
  };
}
